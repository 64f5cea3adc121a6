/*
 * tcp_sender_state: what the files of the sending half share (tcp_sender.c,
 * tcp_scoreboard.c, tcp_recovery.c), and nobody else.
 */
#ifndef TTT_SIM_TCP_SENDER_STATE_H
#define TTT_SIM_TCP_SENDER_STATE_H

#include "base/units.h"
#include "sim/tcp_sender.h"

#define TCP_NONE	UINT64_MAX	/* no segment */
#define TCP_REORDERING	3
#define TCP_TIMER_SLACK	MSEC(8)	/* two ticks of 250 Hz (TCP_TIMEOUT_MIN) */

/* What one ACK did. */
struct tcp_tally {
	nsec_t now;
	uint32_t arrived;	/* segments that it says have come */
	uint32_t lost;
	uint64_t prior_una;
	uint64_t prior_delivered;	/* when the one was sent that was sent last of those that came */
	nsec_t latest_at;	/* and when that was; 0: none came */
	uint64_t lowest;	/* of those never resent that came: for reordering */
	bool advanced;		/* una went on */
	bool original;		/* one that was given up and never resent came all the same */
	bool dsack;
	nsec_t echo;
	bool has_echo;
	nsec_t oldest, newest;	/* when acknowledged segments were sent, if never resent; 0: none */
	nsec_t sacked;		/* the same of the oldest sacked */
};

static inline struct tcp_sent *tcp_sent(struct tcp_sender *t, uint64_t segment)
{
	return &t->ring[segment % TCP_RING];
}

static inline uint64_t tcp_out(const struct tcp_sender *t)
{
	return t->next - t->una;
}

static inline nsec_t tcp_srtt(const struct tcp_sender *t)
{
	return (nsec_t)(t->srtt8 / 8) * NSEC_PER_USEC;
}

/* tcp_scoreboard.c: what of the segments under way has come. */
void scoreboard_list_last(struct tcp_sender *t, uint64_t segment);	/* it is sent now */
void scoreboard_unlist(struct tcp_sender *t, uint64_t segment);
void scoreboard_read_blocks(struct tcp_sender *t, const struct tcp_ack *ack, struct tcp_tally *y);
void scoreboard_acknowledge(struct tcp_sender *t, uint64_t ack, struct tcp_tally *y);
/* tcp_check_sack_reordering() */
void scoreboard_note_reordering(struct tcp_sender *t, uint64_t lowest);

/* tcp_recovery.c: what is lost (RACK), and what that does to the window. */
/* tcp_rack_update_reo_wnd(): wider by a step for each round trip with a DSACK. */
void recovery_widen_reordering(struct tcp_sender *t, const struct tcp_tally *y);
nsec_t recovery_reordering_window(const struct tcp_sender *t);
void recovery_mark_lost(struct tcp_sender *t, uint64_t segment);
void recovery_find_lost(struct tcp_sender *t, struct tcp_tally *y);
void recovery_remember(struct tcp_sender *t);	/* what undo gives back */
void recovery_enter(struct tcp_sender *t);
/* tcp_cwnd_reduction(): one out for what one in allows, down to the threshold. */
void recovery_reduce(struct tcp_sender *t, const struct tcp_tally *y);
/* tcp_fastretrans_alert() */
void recovery_alert(struct tcp_sender *t, struct tcp_tally *y);

#endif
