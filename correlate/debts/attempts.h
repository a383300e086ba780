/* Attempts: the tries that belong together, and whether one of them succeeded in time.
 *
 * Enters: debts as they begin and end. Leaves: struct sw_attempt_seen. Connects of one process tree to one name, or without a name to
 * one port, that overlap or follow a failure within the settling time are one attempt; so are the calls of one kind that a
 * process tries again (bind on the next port), and a request that is repeated on another connection. Knows nothing of packets
 * and verdicts. */
#ifndef SW_CORRELATE_ATTEMPTS_H
#define SW_CORRELATE_ATTEMPTS_H

#include "correlate/symptoms/symptoms.h"

struct sw_attempts;

struct sw_attempts *sw_attempts_new(int64_t settle_ns);
void sw_attempts_free(struct sw_attempts *attempts);

/* A try begins; returns the attempt's id. `name` may be NULL. */
uint32_t sw_attempts_began(struct sw_attempts *attempts, const struct sw_debt *debt, const struct sw_addr *target,
			   const char *name);
void sw_attempts_ended(struct sw_attempts *attempts, const struct sw_debt *debt, const struct sw_addr *target);
/* The first byte of an answer came. `last_bytes`: of the last write of its question; `socket`: where it was asked. */
void sw_attempts_answered(struct sw_attempts *attempts, const struct sw_debt *debt, const struct sw_addr *target,
			  int64_t last_bytes, const struct sw_socket_seen *socket, int64_t time_ns);
/* The command's end: what succeeds later was not in time. */
void sw_attempts_exit(struct sw_attempts *attempts, int64_t time_ns);
/* What the debt's attempt came to, as this debt's failure sees it. */
bool sw_attempts_get(const struct sw_attempts *attempts, const struct sw_debt *debt, const struct sw_addr *target,
		     struct sw_attempt_seen *seen);

/* Forgetting: all that kept debts refer to are marked, then what is over and not marked goes, and the marks with it. */
size_t sw_attempts_count(const struct sw_attempts *attempts);
void sw_attempts_need(struct sw_attempts *attempts, uint32_t id);
void sw_attempts_forget(struct sw_attempts *attempts, int64_t now_ns);

#endif
