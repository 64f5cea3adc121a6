/*
 * xstate: COMMAND..., which is told that there is no extended processor state.
 *
 * User-Mode Linux 6.1 keeps its processes' floating point registers by
 * PTRACE_GETREGSET and PTRACE_SETREGSET of NT_X86_XSTATE, in 2696 bytes.  Linux
 * wants all of the state on the way back (arch/x86/kernel/fpu/regset.c,
 * xstateregs_set), and on a processor with AMX that is 11 kB: EFAULT, and UML's
 * init is dead before its first instruction.  Where the first question fails UML
 * takes the older PTRACE_GETFPREGS, which knows the first 512 bytes.  The rest
 * stays as it is in each process, which is what a box without threads needs.
 *
 *	cc -o xstate xstate.c -lseccomp
 */
#include <elf.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (argc < 2) {
		fprintf(stderr, "usage: xstate COMMAND...\n");
		return 2;
	}
	if (filter == NULL ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EIO), SCMP_SYS(ptrace), 2,
			     SCMP_A0(SCMP_CMP_EQ, PTRACE_GETREGSET), SCMP_A2(SCMP_CMP_EQ, NT_X86_XSTATE)) < 0 ||
	    seccomp_load(filter) < 0) {
		fprintf(stderr, "xstate: no seccomp filter\n");
		return 1;
	}
	seccomp_release(filter);
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
