#!/bin/bash
# boot.sh: one of Debian's kernels beside this machine's.  Boots it in QEMU, runs one
# command there as root, shows what it prints and ends with its status.
#
#	bash netns-tests/vm/boot.sh linux-image-6.1.0-57-amd64 uname -r
#
# The files there are this machine's, beneath, and what is written stays in the memory of
# that machine and goes with it.  It is emulated and much slower, so rates mean nothing
# there, and who waits for something waits VM_PATIENCE times as long.  KVM is not used, since
# where this runs is often a virtual machine itself.  Kernels are unpacked below $BUILD/vm
# and installed nowhere.
set -eu
cd "$(dirname "$0")/../.."

VM_SECONDS=${VM_SECONDS:-3000} VM_MEGABYTES=${VM_MEGABYTES:-3072} VM_PATIENCE=${VM_PATIENCE:-6}
package=$1
shift
dir=$PWD/${BUILD:-build}/vm/$package

unpack() { # into $dir, at once whole
	local new=$dir.new release
	rm -rf "$new"
	mkdir -p "$new"
	(cd "$new" && apt-get -q -o APT::Sandbox::User=root download "$package" >download.log 2>&1) ||
		{ cat "$new/download.log" >&2; return 1; }
	dpkg -x "$new/$package"_*.deb "$new/root"
	rm "$new/$package"_*.deb
	release=$(ls "$new/root/lib/modules")
	depmod -b "$new/root" "$release"
	mv "$new/root/boot/vmlinuz-$release" "$new/kernel"
	mv "$new" "$dir"
}

# What mounts the files: busybox with its libraries, and modules in the order in which
# they need one another.
build_initramfs() {
	local tree=$dir/initramfs release file n=100
	release=$(ls "$dir/root/lib/modules")
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/modules"
	cp netns-tests/vm/init.sh "$tree/init"
	chmod +x "$tree/init"
	cp "$(command -v busybox)" "$tree/bin/"
	{ ldd "$(command -v busybox)" || true; } | grep -o '/[^ ]*' | while read -r file; do
		cp --parents -L "$file" "$tree"
	done
	for file in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$dir/root" -S "$release" --show-depends "$file"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
		cp "$file" "$tree/modules/$((n++))-$(basename "$file")"
	done
	(cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$dir/initramfs.gz"
}

[ -e "$dir" ] || unpack
build_initramfs

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
printf '%q ' env "TTT_PATIENCE=$VM_PATIENCE" "$@" >"$out/command"
timeout -k 5 "$VM_SECONDS" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m "$VM_MEGABYTES" \
	-nodefaults -no-user-config -no-reboot -display none -serial stdio \
	-kernel "$dir/kernel" -initrd "$dir/initramfs.gz" \
	-append "console=ttyS0 quiet loglevel=0 panic=-1 mitigations=off random.trust_cpu=on vm.modules=$dir/root/lib/modules vm.folder=$PWD" \
	-fsdev "local,id=files,path=/,security_model=none,readonly=on,multidevs=remap" \
	-device virtio-9p-pci,fsdev=files,mount_tag=files \
	-fsdev "local,id=out,path=$out,security_model=none" \
	-device virtio-9p-pci,fsdev=out,mount_tag=out \
	-device virtio-rng-pci </dev/null | sed -u 's|\r$||'
[ -e "$out/status" ] || { echo "boot.sh: the machine did not end by itself, in $VM_SECONDS s at most" >&2; exit 125; }
exit "$(cat "$out/status")"
