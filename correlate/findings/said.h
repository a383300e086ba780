/* What the processes said on standard error: the last lines of each, as a terminal would have shown them.
 *
 * Enters: facts of the kind `said`. Leaves: lines for whoever tells a finding. Bounded: the oldest lines and processes are forgotten. Knows
 * nothing of sockets; whether a line has to do with a failure is told by its time and its words alone. */
#ifndef SW_CORRELATE_SAID_H
#define SW_CORRELATE_SAID_H

#include "correlate/report.h"

#define SW_SAID_SHOWN 3 /* lines */
#define SW_SAID_AT_THE_END INT64_MAX /* as the moment of a failure: shortly before the last line */

struct sw_said;
struct sw_arena;

struct sw_said *sw_said_new(void);
void sw_said_free(struct sw_said *said);
void sw_said_fact(struct sw_said *said, const struct sw_fact *fact);

/* Whether that process said anything at or after this moment. */
bool sw_said_since(const struct sw_said *said, uint32_t pid, int64_t since_ns);
/* Whether it complained in so many words between these moments. */
bool sw_said_complaint(const struct sw_said *said, uint32_t pid, int64_t since_ns, int64_t until_ns);
/* As libraries complain: OpenSSL's "certificate verify failed", GnuTLS's "The certificate of ...", Go's "x509: certificate ...". */
extern const char *const sw_said_tls_words[];
/* Whether it said one of the words (NULL ends the list) since then. */
bool sw_said_of(const struct sw_said *said, uint32_t pid, int64_t since_ns, const char *const *words);
/* The lines that are worth showing of a failure at that moment: those after it with the most of the words in them (NULL ends the list),
 * where none has any the first that reads like a complaint; and the last one. Where nothing was said after it: the last line. */
void sw_said_tell(const struct sw_said *said, uint32_t pid, int64_t since_ns, const char *const *words,
		  struct sw_texts *texts, struct sw_arena *arena);

#endif
