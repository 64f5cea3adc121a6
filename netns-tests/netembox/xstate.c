/*
 * xstate: COMMAND..., which is told that there is no extended processor state, where
 * that is more than User-Mode Linux has room for.
 *
 * User-Mode Linux 6.1 keeps its processes' floating point registers by
 * PTRACE_GETREGSET and PTRACE_SETREGSET of NT_X86_XSTATE, in 2696 bytes.  Linux
 * wants all of the state on the way back (arch/x86/kernel/fpu/regset.c,
 * xstateregs_set), and on a processor with AMX that is 11 kB: EFAULT, and UML's
 * init is dead before its first instruction.  Where the first question fails UML
 * takes the older PTRACE_GETFPREGS, which knows the first 512 bytes.  The rest
 * is nobody's then: that went well on an Intel Xeon, but on an AMD EPYC with AVX-512
 * each insmod of the static busybox crashed.  So where all fits, nothing is kept back,
 * and box.sh asks glibc to leave those registers alone.
 *
 *	cc -o xstate xstate.c -lseccomp
 */
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

#define UML_STATE	2696	/* bytes */

/* What the kernel has switched on, as it lies in a regset. */
static unsigned state_size(void)
{
	unsigned eax, ebx = 0, ecx, edx;

	return __get_cpuid_count(0xd, 0, &eax, &ebx, &ecx, &edx) ? ebx : 0;
}

static int keep_back(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (filter == NULL ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EIO), SCMP_SYS(ptrace), 2,
			     SCMP_A0(SCMP_CMP_EQ, PTRACE_GETREGSET), SCMP_A2(SCMP_CMP_EQ, NT_X86_XSTATE)) < 0 ||
	    seccomp_load(filter) < 0)
		return -1;
	seccomp_release(filter);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: xstate COMMAND...\n");
		return 2;
	}
	if (state_size() > UML_STATE && keep_back() < 0) {
		fprintf(stderr, "xstate: no seccomp filter\n");
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
