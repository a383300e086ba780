/* The table of look-ups: which questions to resolvers are one look-up, and what became of each.
 *
 * Enters: DNS messages as they pass, with their flow and way. Leaves: struct sw_lookup: a name as asked, with all its tries, servers,
 * types, candidates of a search list and transports. Facts only: what of it the program got is not known here, nor who asked.
 * RFC 1035; resolv.conf(5); RFC 7766 (over TCP). */
#ifndef SW_CORRELATE_LOOKUPS_H
#define SW_CORRELATE_LOOKUPS_H

#include "capture/dns.h"
#include "correlate/flows/flow.h"
#include "src/base/mem.h"

#define SW_QUESTIONS_MAX 48 /* of one look-up: six candidates, two types, three servers, and some over TCP */

struct sw_question { /* one name and type, asked of one server over one flow */
	char name[SW_DNS_NAME];
	uint16_t type, id;
	uint32_t flow;
	struct sw_endpoint server;
	bool tcp;
	uint32_t tries;
	struct sw_seen asked, asked_last, answered; /* answered.packet 0: not */
	uint8_t rcode;
	bool truncated;
	uint16_t fitting; /* answers of the asked type */
	bool undelivered; /* set by who knows the calls: the program never got the answer */
};

enum sw_stray { SW_STRAY_NONE, SW_STRAY_NO_DNS, SW_STRAY_ID, SW_STRAY_QUESTION };

struct sw_lookup {
	uint32_t id;
	int64_t began_ns, active_ns; /* first and last message */
	SW_ARRAY(struct sw_question) questions; /* in the order they were first asked */
	uint32_t more; /* beyond SW_QUESTIONS_MAX */
	bool passed_on; /* somebody had asked us for that name: the answer is his */
	uint32_t
		in_vain; /* 1-based: the question whose answer the program wanted, where what others found did not help it; 0 none */
	uint32_t strays; /* datagrams of a server that was asked, which answer none of the questions */
	struct sw_seen stray; /* the first of them */
	enum sw_stray stray_why; /* what was wrong with it */
};

struct sw_lookups;

struct sw_lookups *sw_lookups_new(void);
void sw_lookups_free(struct sw_lookups *lookups);
/* A message of a flow that we began; `ours`: we sent it. */
void sw_lookups_message(struct sw_lookups *lookups, const struct sw_packet *packet, uint32_t flow, bool ours);
/* A whole datagram of a server that is no DNS message. */
void sw_lookups_undecoded(struct sw_lookups *lookups, const struct sw_packet *packet, uint32_t flow);
/* The look-up that asked over this flow within the span; the latest where there are several. NULL: none. */
struct sw_lookup *sw_lookups_find(const struct sw_lookups *lookups, uint32_t flow, int64_t from_ns, int64_t to_ns);
/* The latest look-up of that name within the span, whoever asked; NULL: none was seen. */
struct sw_lookup *sw_lookups_named(const struct sw_lookups *lookups, const char *name, int64_t from_ns, int64_t to_ns);
struct sw_lookup *sw_lookups_get(const struct sw_lookups *lookups, uint32_t id); /* NULL: forgotten */
/* Forgets those that are silent since before `before_ns`, but for the ones that `kept` says yes to. */
void sw_lookups_expire(struct sw_lookups *lookups, int64_t before_ns, bool (*kept)(void *context, uint32_t id),
		       void *context);

void sw_lookups_each(const struct sw_lookups *lookups, void (*visit)(void *context, const struct sw_lookup *lookup),
		     void *context);

/* Takes back what was said of answers that the program never got, or had no use for. */
void sw_lookups_undeliver(struct sw_lookups *lookups);

/* The look-ups that are remembered, in the order they began; NULL beyond the last. */
const struct sw_lookup *sw_lookups_at(const struct sw_lookups *lookups, size_t index);

/* The question that was answered with what was asked for, in a message that reached the program; NULL: none. */
const struct sw_question *sw_lookup_found(const struct sw_lookup *lookup);
/* Of a name with addresses of one family: the question for the other one, which found none or was not answered; 1-based, 0: none. */
uint32_t sw_lookup_other_family(const struct sw_lookup *lookup);
/* Whether a definite answer came, whatever it says. */
bool sw_lookup_answered(const struct sw_lookup *lookup);
/* Of the answers that say no, the one that decides: a server's failure outweighs a name that is not there, which outweighs an
 * empty answer. NULL: there is none. */
const struct sw_question *sw_lookup_deciding(const struct sw_lookup *lookup);
/* Nothing came for it but messages that answer something else, or nothing. */
bool sw_lookup_strayed(const struct sw_lookup *lookup);
/* A candidate of the search list was not there, and another was found. */
bool sw_lookup_made_good(const struct sw_lookup *lookup);
/* Nothing was asked for but names of addresses, and records that programs do without (SRV, HTTPS). */
bool sw_lookup_only_aside(const struct sw_lookup *lookup);
/* The name as the program asked it: the found one, else the shortest of the candidates. */
const char *sw_lookup_name(const struct sw_lookup *lookup);

#endif
