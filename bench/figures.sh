# shellcheck shell=bash
# figures.sh: what every bench begins with: the tests' network with the real
# program, and figures, each printed as one line.
#
#	. "$(dirname "$0")/figures.sh"
#	sample ms "ttt up" 28.1			# as often as it is measured
#	figures					# ttt up: 28.1 ms (min 27.0, max 31.4, 10 runs)
#
# What could not be measured is said, and the bench fails.

# shellcheck source=../netns-tests/tunnel.sh
. "$(dirname "${BASH_SOURCE[0]}")/../netns-tests/tunnel.sh"

declare -A sampled=()	# UNIT:NAME -> values
sampled_order=()	# UNIT:NAME, as they came

failed() { # failed WHAT
	echo "$*: not measured"
	tests_failed=$((tests_failed + 1))	# lib.sh makes it the exit status
}

sample() { # sample UNIT NAME VALUE
	local key=$1:$2
	[[ $3 =~ ^-?[0-9.]+$ ]] || { failed "$2"; return; }
	[ -n "${sampled[$key]:-}" ] || sampled_order+=("$key")
	sampled[$key]+=" $3"
}

# One value as it is; of several the median, the extremes and how many.
summary() { # summary UNIT VALUE...
	local unit=$1
	shift
	printf '%s\n' "$@" | sort -g | awk -v unit="$unit" '
		{ v[NR] = $1 }
		END {
			if (NR == 1) { printf "%s %s\n", v[1], unit; exit }
			m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
			printf "%.6g %s (min %s, max %s, %d runs)\n", m, unit, v[1], v[NR], NR
		}'
}

figures() {
	local key
	for key in "${sampled_order[@]}"; do
		# shellcheck disable=SC2086
		echo "${key#*:}: $(summary "${key%%:*}" ${sampled[$key]})"
	done
	sampled=() sampled_order=()
}

# The value that PERCENT of the lines on standard input do not exceed.
percentile() { # percentile PERCENT
	sort -g | awk -v p="$1" '{ v[NR] = $1 } END { if (NR) { i = int(NR * p / 100 + 0.999999); print v[i < 1 ? 1 : i] } }'
}

calculate() { # calculate FORMAT EXPRESSION
	awk "BEGIN { printf \"$1\\n\", $2 }" 2>/dev/null
}

milliseconds_since() { # milliseconds_since MICROSECONDS
	calculate %.1f "($(microseconds) - $1) / 1000"
}

# What a figure without its machine would be worth.
echo "# $(basename "$0" .sh): $(date +%F), Linux $(uname -r), $(nproc) ×$(
	sed -n 's/^model name.*://p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg)"
[ -x "$TTT" ] || skip_all "$TTT is not built"
