/* plot_script: what gnuplot is told: panels above each other, one time axis; see plot.h. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "sim/tool/plot.h"

#define WIDTH		1200
#define TITLE		66		/* pixels above the first panel, with one row of links */
#define LINKS		16		/* and for each other one */
#define EVENTS		20		/* and for each row of events */
#define BOTTOM		64
#define GAP		34		/* between panels */
#define LEFT		100		/* for numbers of five digits and what they are */
#define RIGHT		236		/* for the keys */
#define SMOOTH		2		/* steps before and behind that a goodput is the mean of */
#define LETTER		7		/* pixels that one takes in the label of an event or link */
#define KEY		21		/* pixels of a line in a key */
#define SHOWN		60		/* bytes of a link's text */
#define EVENT_ROWS	12		/* at most; what finds no room in them covers another */

struct panel {
	const char *title;
	unsigned height;		/* pixels */
	void (*draw)(FILE *f, const struct scenario *plan, const struct series *series);
};

/* The first of Okabe and Ito, told apart by everybody: links never look like flows. */
static const char *const link_colour[SCENARIO_LINKS] = {
	"#0072b2", "#e69f00", "#56b4e9", "#f0e442", "#999999", "#7f5a00", "#003a5c", "#bfe0c4",
};
static const char *const flow_colour[SCENARIO_FLOWS] = {
	"#000000", "#d55e00", "#009e73", "#cc79a7", "#5d3a9b", "#994f00", "#7fbf00", "#e6007e", "#00b8b8",
};

static const char *const way_name[] = { [SIM_UP] = "up", [SIM_DOWN] = "down" };

/* gnuplot's dashes: of the two ways of one flow, the way down. */
static int dashes(const struct scenario *plan, const struct series_column *c)
{
	return plan->flow[c->index].kind == FLOW_CALL && c->direction == SIM_DOWN ? 2 : 1;
}

/* Inside gnuplot's single quotes. */
static void quote(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputc('\'', f);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, f);
	}
	fputc('\'', f);
}

/* --- the data -------------------------------------------------------------- */

/* A goodput comes in bursts: a mean is what a reader sees beside them. */
static double smooth(const struct series *s, size_t row, size_t column)
{
	size_t from = row > SMOOTH ? row - SMOOTH : 0, to = row + SMOOTH + 1;
	double sum = 0;

	to = to < s->rows ? to : s->rows;
	for (size_t i = from; i < to; i++)
		sum += series_at(s, i, column);
	return sum / (double)(to - from);
}

/* Behind all columns, the smooth ones of goodputs; NaN of the others, so that all are found. */
static void write_smooth(FILE *f, const struct series *s, size_t row)
{
	for (size_t i = 0; i < s->columns; i++)
		if (s->column[i].kind == SERIES_GOODPUT)
			fprintf(f, " %.3f", smooth(s, row, i));
		else
			fputs(" NaN", f);
}

static void write_data(FILE *f, const struct series *s)
{
	fputs("$d << END\n", f);
	for (size_t row = 0; row < s->rows; row++) {
		fprintf(f, "%.1f", (double)(row + 1) * (double)SERIES_STEP / 1e9);
		for (size_t i = 0; i < s->columns; i++)
			if (isnan(series_at(s, row, i)))
				fputs(" NaN", f);
			else
				fprintf(f, " %.3f", series_at(s, row, i));
		write_smooth(f, s, row);
		fputc('\n', f);
	}
	fputs("END\n", f);
}

/* gnuplot's number of a column: the first is the time. */
static int column(const struct series *s, enum series_kind kind, unsigned index,
		  enum sim_direction direction)
{
	return series_find(s, kind, index, direction) + 2;
}

/* --- panels ---------------------------------------------------------------- */

static bool is_bulk(const struct scenario_flow *f)
{
	return f->kind == FLOW_TCP || f->kind == FLOW_QUIC || f->kind == FLOW_UDP;
}

/* Whether anything but ACKs and voices goes that way. */
static bool carries(const struct scenario *plan, enum sim_direction direction)
{
	for (size_t i = 0; i < plan->flows; i++)
		if (is_bulk(&plan->flow[i]) && plan->flow[i].direction == direction)
			return true;
	return false;
}

static void draw_flow_goodput(FILE *f, const struct scenario *plan, const struct series *s, size_t i)
{
	const struct series_column *c = &s->column[i];

	fprintf(f, "$d using 1:%zu with lines lw 1 lc rgb '#b0%s' notitle, \\\n  ", i + 2,
		flow_colour[c->index] + 1);
	fprintf(f, "$d using 1:%zu with lines lw 2.5 dt %d lc rgb '%s' title '%u %s %s', \\\n  ",
		i + 2 + s->columns, dashes(plan, c), flow_colour[c->index], c->index + 1,
		scenario_kind_name(plan->flow[c->index].kind), way_name[c->direction]);
}

/* Of bulk; a call's 80 kbit/s is a line at 0 beside it. */
static void draw_goodput(FILE *f, const struct scenario *plan, const struct series *s)
{
	const bool bulk = carries(plan, SIM_UP) || carries(plan, SIM_DOWN);

	fputs("plot ", f);
	for (size_t i = 0; i < s->columns; i++)
		if (s->column[i].kind == SERIES_GOODPUT &&
		    (!bulk || is_bulk(&plan->flow[s->column[i].index])))
			draw_flow_goodput(f, plan, s, i);
	fputs("NaN notitle\n", f);
}

/* The sum of the first `links` links' columns, in gnuplot's words. */
static void sum_of(FILE *f, const struct series *s, enum series_kind kind, size_t links,
		   enum sim_direction direction)
{
	fputs("(0", f);
	for (unsigned i = 0; i < links; i++)
		fprintf(f, "+$%d", column(s, kind, i, direction));
	fputc(')', f);
}

static void draw_links(FILE *f, const struct scenario *plan, const struct series *s,
		       enum sim_direction direction)
{
	fputs("plot ", f);
	for (size_t i = 0; i < plan->links; i++) {
		fputs("$d using 1:", f);
		sum_of(f, s, SERIES_CARRIED, i, direction);
		fputc(':', f);
		sum_of(f, s, SERIES_CARRIED, i + 1, direction);
		fprintf(f, " with filledcurves lc rgb '%s' fs solid 0.75 noborder title 'link %zu', \\\n  ",
			link_colour[i], i + 1);
	}
	fputs("$d using 1:", f);
	sum_of(f, s, SERIES_CAPACITY, plan->links, direction);
	fputs(" with fsteps lw 1.5 dt 3 lc rgb '#404040' title 'all they could'\n", f);
}

static void draw_up(FILE *f, const struct scenario *plan, const struct series *s)
{
	draw_links(f, plan, s, SIM_UP);
}

static void draw_down(FILE *f, const struct scenario *plan, const struct series *s)
{
	draw_links(f, plan, s, SIM_DOWN);
}

static void draw_link_rtt(FILE *f, size_t column, unsigned link)
{
	fprintf(f, "$d using 1:%zu with lines lw 1.5 dt 3 lc rgb '%s' title 'link %u, round trip', \\\n  ",
		column, link_colour[link], link + 1);
}

static void draw_flow_latency(FILE *f, const struct scenario *plan, size_t column,
			      const struct series_column *c)
{
	const bool ping = plan->flow[c->index].kind == FLOW_PING;

	fprintf(f, "$d using 1:%zu with lines lw 2 dt %d lc rgb '%s' title '%u %s%s', \\\n  ", column,
		dashes(plan, c), flow_colour[c->index], c->index + 1,
		scenario_kind_name(plan->flow[c->index].kind),
		ping ? ", round trip" : c->direction == SIM_UP ? " up" : " down");
}

/* A bulk flow's is that of its own queue. */
static bool is_felt(const struct scenario_flow *f)
{
	return f->kind != FLOW_TCP && f->kind != FLOW_QUIC;
}

static bool is_any(const struct scenario_flow *f)
{
	(void)f;
	return true;
}

/* Of flows whose latency somebody feels. */
static void draw_latency(FILE *f, const struct scenario *plan, const struct series *s)
{
	fputs("plot ", f);
	for (size_t i = 0; i < s->columns; i++) {
		const struct series_column *c = &s->column[i];

		if (c->kind == SERIES_RTT)
			draw_link_rtt(f, i + 2, c->index);
		else if (c->kind == SERIES_LATENCY && is_felt(&plan->flow[c->index]))
			draw_flow_latency(f, plan, i + 2, c);
	}
	fputs("NaN notitle\n", f);
}

/* --- the page -------------------------------------------------------------- */

/* As high as its key. */
static unsigned at_least(unsigned height, size_t lines)
{
	return height > KEY * lines ? height : KEY * (unsigned)lines;
}

static size_t lines_of(const struct scenario *plan, bool (*shown)(const struct scenario_flow *f))
{
	size_t lines = 0;

	for (size_t i = 0; i < plan->flows; i++)
		if (shown(&plan->flow[i]))
			lines += plan->flow[i].kind == FLOW_CALL ? 2 : 1;
	return lines;
}

static size_t choose_panels(const struct scenario *plan, struct panel ret[4])
{
	const unsigned latency = at_least(190, lines_of(plan, is_felt) + plan->links);
	const bool up = carries(plan, SIM_UP), down = carries(plan, SIM_DOWN);
	size_t count = 0;

	ret[count++] = (struct panel){ "goodput\\n[Mbit/s]", at_least(230, lines_of(plan, is_any)), draw_goodput };
	if (up || !down)
		ret[count++] = (struct panel){ "carried by links,\\nup [Mbit/s]", 190, draw_up };
	if (down)
		ret[count++] = (struct panel){ "carried by links,\\ndown [Mbit/s]", 190, draw_down };
	ret[count++] = (struct panel){ "latency\\n[ms]", latency, draw_latency };
	return count;
}

static double pixel_of(const struct scenario *plan, nsec_t at)
{
	return LEFT + (double)(WIDTH - LEFT - RIGHT) * (double)at / (double)SEC(plan->seconds);
}

static double width_of(const char *text)
{
	return (double)(LETTER * strlen(text));
}

/* A label begins at its event's line, or ends there, where the page ends. */
static bool ends_at_line(const struct scenario *plan, const struct scenario_event *e)
{
	return pixel_of(plan, e->at) + width_of(e->text) > WIDTH;
}

/* The lowest row where each label has room; returns how many rows there are. */
static unsigned place_events(const struct scenario *plan, unsigned row[SCENARIO_EVENTS])
{
	double end[EVENT_ROWS] = { 0 };
	unsigned rows = 0;

	for (size_t i = 0; i < plan->events; i++) {
		const struct scenario_event *e = &plan->event[i];
		double at = pixel_of(plan, e->at), width = width_of(e->text), from = at - (ends_at_line(plan, e) ? width : 0);

		if (e->at == 0)
			continue;
		row[i] = 0;
		while (row[i] + 1 < EVENT_ROWS && end[row[i]] > from)
			row[i]++;
		end[row[i]] = from + width + 2 * LETTER;
		rows = row[i] + 1 > rows ? row[i] + 1 : rows;
	}
	return rows;
}

static void draw_event(FILE *f, const struct scenario *plan, const struct scenario_event *e, bool top, unsigned row)
{
	double at = (double)e->at / 1e9;

	fprintf(f, "set arrow from first %.3f, graph 0 to first %.3f, graph 1 nohead back lw 1 dt 2 "
		"lc rgb '#808080'\n", at, at);
	if (!top)
		return;
	fputs("set label ", f);
	quote(f, e->text);
	fprintf(f, " at first %.3f, graph 1 offset character 0, %.2f %s noenhanced font ',11' "
		"textcolor rgb '#505050'\n", at, 0.5 + 0.95 * row, ends_at_line(plan, e) ? "right" : "left");
}

static void name_link(const struct scenario *plan, size_t i, char ret[SHOWN + 16])
{
	snprintf(ret, SHOWN + 16, "link %zu: %.*s", i + 1, text_whole(plan->link[i].text, SHOWN), plan->link[i].text);
}

/* Where a link's name stands below the title. */
struct spot {
	double at;
	unsigned row;
};

/* Returns how many rows there are beyond the first. */
static unsigned place_links(const struct scenario *plan, struct spot ret[])
{
	struct spot next = { .at = LEFT };

	for (size_t i = 0; i < plan->links; i++) {
		char name[SHOWN + 16];

		name_link(plan, i, name);
		if (next.at + width_of(name) > WIDTH)
			next = (struct spot){ LEFT, next.row + 1 };
		ret[i] = next;
		next.at += width_of(name) + 2 * LETTER;
	}
	return next.row;
}

static void write_title(FILE *f, const struct scenario *plan, const struct spot link[], unsigned height)
{
	char text[SHOWN + 64];

	snprintf(text, sizeof(text), "ttt, strategy %s", plan->strategy);
	fputs("set label 100 ", f);
	quote(f, text);
	fprintf(f, " at screen %.4f, screen 1 offset 0, character -1.3 left noenhanced font ',18'\n",
		(double)LEFT / WIDTH);
	for (size_t i = 0; i < plan->links; i++) {
		name_link(plan, i, text);
		fprintf(f, "set label %zu ", 101 + i);
		quote(f, text);
		fprintf(f, " at screen %.4f, screen %.4f offset 0, character -2.9 left noenhanced font ',12' "
			"textcolor rgb '#505050'\n", link[i].at / WIDTH, 1 - (double)(LINKS * link[i].row) / height);
	}
}

static void write_page(FILE *f, const struct scenario *plan, unsigned height)
{
	fprintf(f, "set encoding utf8\n"
		"set terminal svg size %d,%u dynamic enhanced font 'DejaVu Sans,13' background rgb 'white'\n"
		"set multiplot\nset lmargin at screen %.4f\nset rmargin at screen %.4f\n"
		"set border 3 lc rgb '#404040'\nset tics nomirror out scale 0.6\n"
		"set grid y lc rgb '#e0e0e0' lt 1 lw 1\nset key at graph 1.015, graph 1 left top Left reverse samplen 1.5 "
		"spacing 1.15 font ',12'\nset xrange [0:%u]\nset yrange [0:*]\n",
		WIDTH, height, (double)LEFT / WIDTH, 1 - (double)RIGHT / WIDTH, plan->seconds);
}

static void draw_panel(FILE *f, const struct panel *p, unsigned at, unsigned height)
{
	fprintf(f, "set tmargin at screen %.4f\nset bmargin at screen %.4f\nset ylabel \"%s\" offset 0.5\n",
		1 - (double)at / height, 1 - (double)(at + p->height) / height, p->title);
}

void plot_script(FILE *f, const struct scenario *plan, const struct series *series)
{
	struct spot link[SCENARIO_LINKS];
	unsigned row[SCENARIO_EVENTS] = { 0 };
	unsigned at = TITLE + LINKS * place_links(plan, link) + EVENTS * place_events(plan, row);
	struct panel panel[4];
	size_t panels = choose_panels(plan, panel);
	unsigned height = at + BOTTOM;

	for (size_t i = 0; i < panels; i++)
		height += panel[i].height + (i > 0 ? GAP : 0);
	write_data(f, series);
	write_page(f, plan, height);
	for (size_t i = 0; i < panels; i++) {
		fputs("unset label\nunset arrow\n", f);
		for (size_t j = 0; j < plan->events; j++)
			if (plan->event[j].at != 0)
				draw_event(f, plan, &plan->event[j], i == 0, row[j]);
		if (i == 0)
			write_title(f, plan, link, height);
		draw_panel(f, &panel[i], at, height);
		fputs(i + 1 == panels ? "set format x '%g'\nset xlabel 'seconds'\n" : "set format x ''\n", f);
		panel[i].draw(f, plan, series);
		at += panel[i].height + GAP;
	}
	fputs("unset multiplot\n", f);
}
