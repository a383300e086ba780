/* Templates filled from facts: the sentences of rules.
 *
 * {name} is a fact in words; {name:noun} a number with its noun ("1 SYN", "3 SYNs"). A template that names an unknown
 * fact gives NULL: better no sentence than one with a hole. */
#ifndef SW_CORRELATE_WORDS_H
#define SW_CORRELATE_WORDS_H

#include "correlate/facts/facts.h"

char *sw_words_fill(const char *template, const struct sw_facts *facts, struct sw_arena *arena); /* NULL for NULL */
/* The same for a command that somebody will paste into a shell: what comes from elsewhere (names, paths) is quoted. {its_pid} is the
 * process: its number while it runs, else how to find the next one of its name. */
char *sw_words_command(const char *template, const struct sw_facts *facts, struct sw_arena *arena);
/* {the|each} in a template: which of the two, once it is known how often it happened. */
char *sw_words_article(const char *text, bool each, struct sw_arena *arena);
/* Whether every name between braces is a fact: what a test asks of each template. */
bool sw_words_check(const char *template);

#endif
