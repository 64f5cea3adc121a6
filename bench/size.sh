#!/bin/bash
# Size of the stripped program; lines and files of every folder.

. "$(dirname "$0")/figures.sh"

needs strip

cd "$NETNS_TESTS/.." || exit

sample_binary() {
	strip -o "$T/stripped" "$TTT" || return
	sample kB "program, stripped" "$(calculate %.1f "$(stat -c %s "$T/stripped") / 1000")"
}

# FIND-OPTION is for a folder whose folders are counted apart.
sample_folder() { # sample_folder FOLDER [FIND-OPTION...]
	local files
	[ -d "$1" ] || return 0
	mapfile -d '' files < <(find "$1" "${@:2}" -type f ! -name '.*' -print0)
	sample files "$1" "${#files[@]}"
	sample lines "$1" "$(cat /dev/null "${files[@]}" | wc -l)"
}

sample_binary
sample_folder src -maxdepth 1
for folder in src/*/ routing nft tests netns-tests bench docs; do sample_folder "${folder%/}"; done
figures
