# rows.awk: what grid.awk and quic.awk begin with: the median of each figure of some runs.
#
# Takes lines of a KEY and figures; "-" is not measured.

function median(of, column,    v, n, i, j, t) {
	for (i = 1; i <= runs[of]; i++)
		if (figure[of, i, column] != "-")
			v[++n] = figure[of, i, column] + 0
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] > v[j]; j--) {
			t = v[j]
			v[j] = v[j - 1]
			v[j - 1] = t
		}
	return n == 0 ? "-" : n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function shown(value, format) {
	return value == "-" ? value : sprintf(format, value)
}

function marked(value, is_marked, sign) {
	return shown(value, "%.1f") (value != "-" && is_marked ? sign : " ")
}

function times(a, b) {
	return a == "-" || b == "-" || b == 0 ? "-" : a / b
}

function larger(a, b) {
	return a == "-" || b == "-" ? "-" : a > b ? a : b
}

function sum(a, b) {
	return a == "-" || b == "-" ? "-" : a + b
}

{
	if (++runs[$1] == 1)
		order[++ways] = $1
	for (column = 2; column <= NF; column++)
		figure[$1, runs[$1], column] = $column
}
