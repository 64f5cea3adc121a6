# grid.awk: a pair's row of the grid's table; after rows.awk.
#
# Takes lines of WAY, the tunnel's Mbit/s in seconds 5 to 20, 1 to 3 and 30 to 60,
# those of link A and of link B alone, and the ping's p50, p95 and p95 at rest; "-" is
# not measured.  Variables: name, bar, goal, slack (ms of ping), late (bar of seconds
# 30 to 60), way.

function row(of,    m, c) {
	for (c = 2; c <= 13; c++)
		m[c] = median(of, c)
	printf "%-12s %-4s %6s %6s  %7s %6s %7s   %4.4g %4s  %6s %6s %7s  %5s %7s %5s\n", name, of,
		shown(m[5], "%.1f"), shown(m[8], "%.1f"),
		marked(m[2], m[2] >= bar, "*"), shown(m[3], "%.1f"), marked(m[4], late != "-" && m[4] >= late, "*"), bar, goal,
		shown(times(m[2], larger(m[5], m[8])), "%.2f"), shown(times(m[3], larger(m[6], m[9])), "%.2f"),
		shown(times(m[2], sum(m[5], m[8])), "%.2f"),
		shown(m[11], "%.0f"), marked(m[12], m[12] > m[13] + slack, "!"), shown(m[13], "%.1f")
}

# Another way than up, or both: the same bars, within 5 %.
BEGIN {
	if (way != "up") {
		bar *= 0.95
		late = late == "-" ? late : late * 0.95
	}
}

END {
	for (i = 1; i <= ways; i++)
		row(order[i])
}
