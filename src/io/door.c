/* door: see door.h. */
#include "io/door.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int got = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return got < 0 ? -errno : got;
}

/* sk->mark = mark; the socket may be made. */
static int load(uint32_t mark)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = (int32_t)mark },
		{ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_2,
		  .off = offsetof(struct bpf_sock, mark) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_SOCK;
	attr.expected_attach_type = BPF_CGROUP_INET_SOCK_CREATE;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = sizeof(program) / sizeof(program[0]);
	attr.license = (uintptr_t)"GPL";
	memcpy(attr.prog_name, "ttt_portal", sizeof("ttt_portal"));
	return bpf(BPF_PROG_LOAD, &attr);
}

static int attach(int group, int program)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)group;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_INET_SOCK_CREATE;
	return bpf(BPF_PROG_ATTACH, &attr);
}

/* What runs in a group goes with it. */
static int mark_sockets(int group, uint32_t mark)
{
	/* before Linux 5.11 a program counts as locked memory */
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int program, err;

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	program = load(mark);
	if (program < 0)
		return program;
	err = attach(group, program);
	close(program);
	return err;
}

int door_open(struct door *d, int root, const char *name, uint32_t mark)
{
	int err;

	*d = (struct door){ .root = root, .group = -1 };
	if (mkdirat(root, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->group = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = d->group < 0 ? -errno : mark_sockets(d->group, mark);
	if (err < 0)
		door_close(d);
	return err;
}

int door_enter(const struct door *d)
{
	int fd = openat(d->group, "cgroup.procs", O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, "0", 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

void door_close(struct door *d)
{
	if (d->group >= 0)
		close(d->group);
	if (d->name[0] != '\0')
		unlinkat(d->root, d->name, AT_REMOVEDIR);
	*d = (struct door){ .root = -1, .group = -1 };
}
