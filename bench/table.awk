# table.awk: of what medians.awk prints, the table for people, in Markdown: who
# carries how much at what cost; what the ceiling is made of; the bars, each a
# ratio within this run.  Reasons of bars that are missed: the file `reasons`,
# KEY: TEXT on a line.

BEGIN {
	columns = split("raw:1 ttt:1 ttt:2 wireguard-go:1 fastd:1 openvpn:1", column, " ")
	others = split("wireguard-go fastd openvpn", other, " ")
	parts = split("load tun-read engine seal udp-send udp-receive open tun-write", part, " ")
	while ((getline line <reasons) > 0)
		if (line !~ /^#/ && (at = index(line, ": ")) > 0) reason[substr(line, 1, at - 1)] = substr(line, at + 2)
}

/^# / {
	at = index($0, ": ")
	key = substr($0, 3, at - 3)
	text = substr($0, at + 2)
	remark[key] = text
	if (sub(/^about /, "", key)) about[key] = text
	else if (sub(/^missing /, "", key)) missing[key] = text
	next
}

{
	median[$1, $2, $3] = $5
	least[$1, $2, $3] = $6
	most[$1, $2, $3] = $7
	runs[$1, $2, $3] = $8
	present[$1, $2] = 1
}

function has(what, links, metric) { return (what, links, metric) in median }

# Three digits, or what is before the point; of huge ones the thousands' point is left to the unit.
function short(x) {
	if (x < 0) return "-" short(-x)
	return sprintf(x < 0.995 ? "%.3f" : x < 9.95 ? "%.2f" : x < 99.5 ? "%.1f" : "%.0f", x)
}

# ---- the first table --------------------------------------------------------

function cell(c, metric, divisor,    p, k) {
	split(column[c], p, ":")
	if (!has(p[1], p[2], metric)) return "–"
	k = p[1] SUBSEP p[2] SUBSEP metric
	if (runs[k] == 1) return short(median[k] / divisor)
	return short(median[k] / divisor) " (" short(least[k] / divisor) " to " short(most[k] / divisor) ")"
}

function is_shown(c,    p) {
	split(column[c], p, ":")
	return (p[1], p[2]) in present || p[1] in missing
}

function name_of(c,    p) {
	split(column[c], p, ":")
	if (p[1] == "raw") return "raw veth"
	return p[1] == "ttt" ? "ttt, " p[2] (p[2] == 1 ? " link" : " links") : p[1]
}

function head(    c, line, rule) {
	line = "| |"
	rule = "|---|"
	for (c = 1; c <= columns; c++)
		if (is_shown(c)) {
			line = line " " name_of(c) " |"
			rule = rule "--:|"
		}
	print line "\n" rule
}

function row(text, metric, divisor,    c, line, any) {
	line = "| " text " |"
	for (c = 1; c <= columns; c++)
		if (is_shown(c)) {
			line = line " " cell(c, metric, divisor) " |"
			any = any || cell(c, metric, divisor) != "–"
		}
	if (any) print line
}

function figures_table() {
	head()
	row("TCP up, Gbit/s", "tcp-up", 1)
	row("TCP down, Gbit/s", "tcp-down", 1)
	row("TCP both ways at once, Gbit/s together", "tcp-both", 1)
	row("CPU s/GB up: client", "cpu-up-client", 1)
	row("… server", "cpu-up-server", 1)
	row("CPU s/GB down: client", "cpu-down-client", 1)
	row("… server", "cpu-down-server", 1)
	row("CPU s/GB both ways: client", "cpu-both-client", 1)
	row("… server", "cpu-both-server", 1)
	row("UDP of 64 bytes, 1000 packets/s", "udp-64", 1000)
	row("UDP of 1400 bytes, 1000 packets/s", "udp-1400", 1000)
	row("RTT added when idle, µs", "rtt-added", 1)
	row("… with a ping each millisecond, µs", "rtt-added-awake", 1)
	row("memory of its largest process, MiB", "memory", 1)
}

function notes(    c, p) {
	for (c = 1; c <= columns; c++) {
		split(column[c], p, ":")
		if (p[1] in missing) print "- **" p[1] "**: not measured: " missing[p[1]]
		else if (p[1] in about && is_shown(c) && p[2] == 1) print "- " p[1] ": " about[p[1]]
	}
}

# ---- the ceiling ------------------------------------------------------------

function part_of(name) { return median["parts", 1, name] }

# Gbit/s of all cores, were nothing done but the parts; 0: one of them is not known.
function ceiling(    i, sum) {
	median["parts", 1, "load"] = median["raw", 1, "load"]
	for (i = 1; i <= parts; i++) {
		if (part_of(part[i]) + 0 <= 0) return 0
		sum += part_of(part[i])
	}
	return remark["cores"] * 8 / sum
}

function ceiling_line(    i, line, sum) {
	if (top == 0) return
	for (i = 1; i <= parts; i++) {
		line = line (i > 1 ? ", " : "") part[i] " " short(part_of(part[i]))
		sum += part_of(part[i])
	}
	print "\nThe ceiling: " line " s/GB (" remark["cipher"] "), together " short(sum) ", so " remark["cores"] \
		" cores could carry " short(top) " Gbit/s."
}

# ---- the bars ---------------------------------------------------------------

# The best of the others: sign 1 where more is better, -1 where less is.
function best_other(metric, sign,    i, found, v) {
	best_name = ""
	for (i = 1; i <= others; i++) {
		if (!has(other[i], 1, metric)) continue
		v = median[other[i], 1, metric]
		if (best_name == "" || v * sign > found * sign) {
			found = v
			best_name = other[i]
		}
	}
	return found
}

function without(    i, line) {
	for (i = 1; i <= others; i++) if (!((other[i], 1) in present)) line = line (line == "" ? "" : ", ") other[i]
	return line == "" ? "" : " (without " line ")"
}

# ratio: "": not measured.  sign as above.
function bar(key, text, wanted, ratio, sign, measured,    verdict) {
	if (ratio == "") {
		measured = "not measured"
		verdict = "–"
	} else if (ratio * sign >= wanted * sign) verdict = "reached"
	else verdict = "**missed**: " (key in reason ? reason[key] : "no reason is written down yet")
	print "| " text " | " measured " | " verdict " |"
}

function against_best(key, text, metric, wanted, sign,    best, ratio) {
	best = best_other(metric, sign)
	ratio = has("ttt", 1, metric) && best > 0 ? median["ttt", 1, metric] / best : ""
	bar(key, text, wanted, ratio, sign, short(ratio) " × " best_name)
}

# The worse of both directions.
function against_best_both(key, text, metric, wanted, sign,    way, ratio, worst, name, i) {
	worst = ""
	for (i = 1; i <= 2; i++) {
		best = best_other(metric "-" ways[i], sign)
		if (!has("ttt", 1, metric "-" ways[i]) || !(best > 0)) continue
		ratio = median["ttt", 1, metric "-" ways[i]] / best
		if (worst == "" || ratio * sign < worst * sign) {
			worst = ratio
			name = best_name ", " ways[i]
		}
	}
	bar(key, text, wanted, worst, sign, short(worst) " × " name)
}

function two_links(    i, ratio, worst, way) {
	worst = ""
	for (i = 1; i <= 2; i++) {
		if (!has("ttt", 1, "tcp-" ways[i]) || !has("ttt", 2, "tcp-" ways[i])) continue
		ratio = median["ttt", 2, "tcp-" ways[i]] / median["ttt", 1, "tcp-" ways[i]]
		if (worst == "" || ratio < worst) {
			worst = ratio
			way = ways[i]
		}
	}
	bar("links", "two links against one ≥ 0.95 ×", 0.95, worst, 1, short(worst) " ×, " way)
}

function share_of_ceiling(    i, share, worst, way) {
	worst = ""
	for (i = 1; i <= 2; i++) {
		if (!has("ttt", 1, "tcp-" ways[i]) || top == 0) continue
		share = median["ttt", 1, "tcp-" ways[i]] / top * 100
		if (worst == "" || share < worst) {
			worst = share
			way = ways[i]
		}
	}
	bar("ceiling", "share of the ceiling ≥ 70 %", 70, worst, 1, short(worst) " %, " way)
}

function plain_bar(key, text, links, metric, wanted, unit) {
	bar(key, text, wanted, has("ttt", links, metric) ? median["ttt", links, metric] : "", -1, \
	    short(median["ttt", links, metric]) " " unit)
}

function bars_table() {
	split("up down", ways, " ")
	print "\n| bar, within this run | measured | |\n|---|--:|---|"
	against_best_both("flow", "one TCP flow, one link ≥ 8 × the best other" without(), "tcp", 8, 1)
	against_best_both("cpu", "CPU s/GB, both ends ≤ 0.15 × the best other" without(), "cpu", 0.15, -1)
	two_links()
	share_of_ceiling()
	against_best("udp-64", "UDP packets/s, 64 bytes ≥ 2.5 × the best other" without(), "udp-64", 2.5, 1)
	against_best("udp-1400", "UDP packets/s, 1400 bytes ≥ 2.5 × the best other" without(), "udp-1400", 2.5, 1)
	plain_bar("rtt", "RTT added when idle ≤ 150 µs", 1, "rtt-added", 150, "µs")
	plain_bar("memory", "memory of the worker, two links ≤ 64 MiB", 2, "memory", 64, "MiB")
}

END {
	top = ceiling()
	print remark["date"] ", " remark["kernel"] ", " remark["cores"] " × " remark["cpu"] ": `" remark["command"] \
		"`, medians (least to most) of " remark["runs"] ".\n"
	figures_table()
	print ""
	notes()
	ceiling_line()
	bars_table()
}
