# quic.awk: a pair's row of quic.sh's table; after rows.awk.
#
# Takes lines of WAY, then Mbit/s in seconds 5 to 20 of a TCP and of a QUIC through the
# tunnel, of a TCP and of a QUIC on link A alone, the same on link B, what the QUIC made
# in seconds 1 to 3, the ping's p95 beside the TCP, beside the QUIC and at rest, then
# the QUIC's deepest reordering, how many packets were deeper than 2, how many came, and
# how many datagrams its sockets had no room for; "-" is not measured.  Variables: name,
# bar and slack of the pair, way.

function row(of,    m, c, alone) {
	for (c = 2; c <= 15; c++)
		m[c] = median(of, c)
	alone = larger(m[5], m[7])
	printf "%-13s %-4s %6s %6s  %6s %7s %6s  %5.4g %5s %6s  %5s %7s %5s  %5s %8s %5s\n", name, of,
		shown(larger(m[4], m[6]), "%.1f"), shown(alone, "%.1f"),
		shown(m[2], "%.1f"), marked(m[3], m[3] >= bar, "*"), shown(m[8], "%.1f"), bar,
		shown(times(m[3], m[2]), "%.2f"), shown(times(m[3], alone), "%.2f"),
		shown(m[9], "%.0f"), marked(m[10], m[10] > m[11] + slack, "!"), shown(m[11], "%.0f"),
		shown(m[12], "%d"), m[13] == "-" ? "-" : m[13] "/" m[14], shown(m[15], "%d")
}

# 90 % of a TCP's bar; another way than up: within 5 % of that.
BEGIN { bar *= way == "up" ? 0.9 : 0.9 * 0.95 }

END {
	for (i = 1; i <= ways; i++)
		row(order[i])
}
