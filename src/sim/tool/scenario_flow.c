/* scenario_flow: a flow from tcp|quic|call|ping|udp,…; see scenario.h. */
#include <string.h>

#include "sim/model_udp.h"
#include "sim/tool/scenario.h"

#define UDP_SIZE	1200
#define UDP_SIZE_MAX	1420			/* the tunnel's MTU */
#define UDP_RATE_MIN	1000			/* bit/s */
#define UDP_RATE_MAX	1000000000
#define BYTES_MAX	UINT64_C(1000000000000)

static const char *const kind_name[] = {
	[FLOW_TCP] = "tcp", [FLOW_QUIC] = "quic", [FLOW_CALL] = "call", [FLOW_PING] = "ping", [FLOW_UDP] = "udp",
};

const char *scenario_kind_name(enum scenario_kind kind)
{
	return kind_name[kind];
}

static bool read_kind(const char *item, enum scenario_kind *ret, struct complaint *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind_name); i++)
		if (strcmp(item, kind_name[i]) == 0) {
			*ret = (enum scenario_kind)i;
			return true;
		}
	return complain(c, "there is no flow %.80s; there are tcp, quic, call, ping, udp", item);
}

/* False with an empty c: it is no direction. */
static bool read_direction(struct scenario_flow *f, const char *item, struct complaint *c)
{
	bool down = strcmp(item, "down") == 0;

	if (!down && strcmp(item, "up") != 0)
		return false;
	if (f->kind == FLOW_CALL || f->kind == FLOW_PING)
		return complain(c, "%s: a %s goes both ways", item, kind_name[f->kind]);
	f->direction = down ? SIM_DOWN : SIM_UP;
	return true;
}

static bool read_bytes(struct scenario_flow *f, const char *value, struct complaint *c)
{
	if (f->kind != FLOW_TCP)
		return complain(c, "bytes: only a tcp has an end in bytes; write stop 10s");
	return item_quantity(value, quantity_sizes, 1, BYTES_MAX, "bytes", "10MB", &f->bytes, c);
}

static bool read_size(struct scenario_flow *f, const char *item, struct complaint *c)
{
	uint64_t size;

	if (!item_number(item, MODEL_UDP_MIN, UDP_SIZE_MAX, "size of a packet", &size, c))
		return false;
	f->size = size;
	return true;
}

static bool read_item(struct scenario_flow *f, char *item, struct complaint *c)
{
	const char *value;
	uint64_t n;

	if (read_direction(f, item, c))
		return true;
	if (c->text[0] != '\0')
		return false;
	if ((value = item_value(item, "start")) != NULL)
		return item_time(value, "start", &f->start, c);
	if ((value = item_value(item, "stop")) != NULL)
		return item_time(value, "stop", &f->stop, c);
	if ((value = item_value(item, "bytes")) != NULL)
		return read_bytes(f, value, c);
	if (f->kind == FLOW_UDP && quantity_parse(item, quantity_rates, &n))
		return item_quantity(item, quantity_rates, UDP_RATE_MIN, UDP_RATE_MAX, "rate", "5mbit",
				     &f->rate, c);
	if (f->kind == FLOW_UDP && item[0] >= '0' && item[0] <= '9')
		return read_size(f, item, c);
	return complain(c, "%.80s is nothing that a %s has; write tcp[,down][,start 3s][,stop 20s][,bytes 10MB], "
			"quic[,down], call, ping, or udp,RATE[,SIZE][,down]", item, kind_name[f->kind]);
}

bool scenario_add_flow(struct scenario *s, char *text, struct complaint *c)
{
	struct scenario_flow *f = &s->flow[s->flows];
	char *item[ITEM_MAX];
	size_t items = item_cut(text, ",", item);

	if (s->flows == SCENARIO_FLOWS - 1)
		return complain(c, "at most %d flows", SCENARIO_FLOWS - 1);
	if (items > ITEM_MAX)
		return complain(c, "more than %d items", ITEM_MAX);
	*f = (struct scenario_flow){ .stop = NSEC_NEVER, .size = UDP_SIZE };
	if (!read_kind(item[0], &f->kind, c))
		return false;
	for (size_t i = 1; i < items; i++)
		if (!read_item(f, item[i], c))
			return false;
	if (f->kind == FLOW_UDP && f->rate == 0)
		return complain(c, "a udp needs a rate; write udp,5mbit");
	if (f->stop <= f->start)
		return complain(c, "it stops before it starts");
	s->flows++;
	return true;
}
