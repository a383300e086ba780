/* What worked: connections made and failed, by remote end; the contrast that a symptom stands against.
 *
 * Enters: ends of connects. Leaves: struct sw_contrast. Bounded: of more ends than it has room for, the first are known. */
#ifndef SW_CORRELATE_GROUPS_PEERS_H
#define SW_CORRELATE_GROUPS_PEERS_H

#include "correlate/symptoms/symptoms.h"

struct sw_arena;
struct sw_peers;

struct sw_peers *sw_peers_new(void);
void sw_peers_free(struct sw_peers *peers);
void sw_peers_ended(struct sw_peers *peers, const struct sw_addr *end, bool ok, int64_t time_ns);
void sw_peers_contrast(const struct sw_peers *peers, const struct sw_flows *flows, const struct sw_addr *end,
		       int64_t at_ns, struct sw_contrast *contrast);
/* What worked meanwhile, in words. */
void sw_peers_words(const struct sw_contrast *contrast, const struct sw_addr *end, struct sw_texts *texts,
		    struct sw_arena *arena);

#endif
