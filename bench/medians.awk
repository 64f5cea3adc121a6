# medians.awk: of the CSV that bench.sh writes, a line for each figure:
#	WHAT LINKS METRIC UNIT MEDIAN LEAST MOST RUNS
# in the order in which they first came.  Remarks (# KEY: TEXT) stay as they are.

BEGIN { FS = "," }
/^#/ { print; next }
$1 == "run" { next }
NF != 6 || $6 !~ /^-?[0-9.]+$/ {
	printf "medians.awk: line %d is no measurement: %s\n", NR, $0 >"/dev/stderr"
	bad = 1
	next
}
{
	key = $2 " " $3 " " $4 " " $5
	if (!(key in count)) order[++keys] = key
	value[key, ++count[key]] = $6 + 0
}

function sort_values(key,    i, j, v) {
	for (i = 2; i <= count[key]; i++) {
		v = value[key, i]
		for (j = i - 1; j > 0 && value[key, j] > v; j--) value[key, j + 1] = value[key, j]
		value[key, j + 1] = v
	}
}

function median(key,    n) {
	n = count[key]
	return n % 2 ? value[key, (n + 1) / 2] : (value[key, n / 2] + value[key, n / 2 + 1]) / 2
}

END {
	for (k = 1; k <= keys; k++) {
		key = order[k]
		sort_values(key)
		printf "%s %.6g %.6g %.6g %d\n", key, median(key), value[key, 1], value[key, count[key]], count[key]
	}
	exit bad
}
