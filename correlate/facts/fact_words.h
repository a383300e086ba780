/* What the kernel said when it was asked, as a sentence for a timeline.
 *
 * Enters: a fact. Leaves: words, or the fact's own line where nobody has given its kind any. Judges nothing. */
#ifndef SW_CORRELATE_FACT_WORDS_H
#define SW_CORRELATE_FACT_WORDS_H

#include "tracer/call.h"

char *sw_fact_told(const struct sw_fact *fact); /* the caller frees */

#endif
