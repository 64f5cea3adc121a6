# in-order.awk: what a ping takes, p50 and p95 in ms, over a link that jitters and keeps
# order, when nothing of ours waits there: each packet that is late delays those behind it,
# the more there are.  A link as netem makes it with a rate: a packet is through when its
# delay is over, and all before it are.
#
#	awk -v delay=35 -v jitter=8 -v rate=40 -f bench/in-order.awk
#
# delay and jitter in ms one way, rate in Mbit/s.  Of the way there so many per cent are used
# by packets of 1500 bytes, evenly; on the way back an ACK comes every 2.5 ms.  With both=1
# the way back is used like the way there.

function normal() { # Box and Muller
	return sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand())
}

# What leaves at time t, when it is through.
function through(way, t, bytes,	at) {
	at = t + delay + jitter * normal()
	if (at < t) at = t
	if (at < last[way]) at = last[way]
	return last[way] = at + bytes * 8 / rate / 1000
}

function percentile(percent,	i, below) { # of what was counted by hundredths of a ms
	for (i = 0; below < int(n * percent / 100); i++) below += many[i]
	return (i - 1) / 100
}

function measure(used,	t, step, back, i) {
	step = 1500 * 8 / rate / 1000 / (used / 100)
	back = both ? step : 2.5
	last[1] = last[2] = n = 0
	split("", many)
	for (t = 0; t < SECONDS * 1000; t += step) {
		through(1, t, 1500)
		if (t >= n * 200) { left[++n] = t; there[n] = through(1, t, 100) }
	}
	i = 1
	for (t = 0; i <= n; t += back) {
		through(2, t, both ? 1500 : 60)
		while (i <= n && there[i] <= t) many[int((through(2, t, 100) - left[i++]) * 100)]++
	}
	printf "%d %% used: p50 %.1f, p95 %.1f\n", used, percentile(50), percentile(95)
}

BEGIN {
	SECONDS = 400
	srand(1)
	measure(50); measure(80); measure(90); measure(95); measure(98)
}
