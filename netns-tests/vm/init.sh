#!/bin/busybox sh
# shellcheck shell=dash
# init.sh: the first program of boot.sh's machine.  Lays memory over the files of the
# machine outside, makes of that a system as others know it, runs the command, and ends.
#
# From the kernel's command line: vm.modules=DIRECTORY, vm.folder=DIRECTORY.
/bin/busybox --install -s /bin
export PATH=/bin

fail() {
	echo "vm: $*"
	poweroff -f
}

mount_files() {
	how=trans=virtio,version=9p2000.L,msize=512000
	mkdir -p /proc /sys /dev /files /written /new
	# shellcheck disable=SC2015
	mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t devtmpfs dev /dev || fail "no proc, sys or dev"
	for file in /modules/*; do insmod "$file" || fail "$file does not load"; done
	mount -t 9p -o "ro,cache=loose,$how" files /files || fail "no files"
	mount -t tmpfs tmpfs /written && mkdir /written/new /written/work
	mount -t overlay -o lowerdir=/files,upperdir=/written/new,workdir=/written/work overlay /new || fail "no overlay"
	mount -t tmpfs tmpfs /new/run
	mkdir -p /new/run/outside /new/run/out
	mount --move /files /new/run/outside
	mount -t 9p -o "rw,cache=none,$how" out /new/run/out || fail "no way out"
}

# As udev and systemd-tmpfiles leave it, as far as somebody asks.
make_system() {
	mkdir -p /new/lib/modules
	mount -o bind "/new/run/outside$modules" /new/lib/modules
	mount -t devtmpfs dev /new/dev
	mkdir -p /new/dev/pts /new/dev/shm /new/dev/net
	mknod -m 666 /new/dev/net/tun c 10 200
	ln -s /proc/self/fd /new/dev/fd
	for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "/new/dev/${n#*:}"; done
	mount -t devpts devpts /new/dev/pts
	mount -t tmpfs tmpfs /new/dev/shm
	mount -t proc proc /new/proc
	mount -t sysfs sysfs /new/sys
	mount -t cgroup2 cgroup2 /new/sys/fs/cgroup
}

mount_files
# shellcheck disable=SC2013
for word in $(cat /proc/cmdline); do
	case $word in
	vm.modules=*) modules=${word#*=} ;;
	vm.folder=*) folder=${word#*=} ;;
	esac
done
make_system
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root folder
# shellcheck disable=SC2016
exec /bin/busybox switch_root /new /bin/bash -c '
	ip link set dev lo up
	hostname vm
	setcap cap_net_raw+ep "$(command -v ping)"	# 9p does not tell what files may do
	cd "$folder"
	eval "$(cat /run/out/command)" </dev/null 2>&1 | cat	# no terminal
	echo "${PIPESTATUS[0]}" >/run/out/status
	busybox poweroff -f'
