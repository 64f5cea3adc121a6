/* forward: `forward = tcp/8080 -> PEER:80`: a port of the server that leads to a client. */
#ifndef TTT_CONFIG_FORWARD_H
#define TTT_CONFIG_FORWARD_H

struct parser;

/* One item of the list; whose name stands there is looked up behind the last line. */
void forward_read(struct parser *p, const char *value);
/* Fails, or fills in the peers. */
void forward_check(struct parser *p);

#endif
