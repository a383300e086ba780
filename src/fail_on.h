/* --fail-on: which findings give the exit status SW_EXIT_MATCHED; --on: for which a flight recorder waits. A list of words, separated by commas: a severity (it or a worse
 * one) or the code of a verdict (of whatever severity). */
#ifndef SW_FAIL_ON_H
#define SW_FAIL_ON_H

#include "correlate/report.h"
#include "src/options.h"

/* Whether each word of the list is known; if not, -EINVAL and the word. */
int sw_fail_on_check(const char *option, const char *list, struct sw_err *err);
bool sw_fail_on_finding(const char *list, const struct sw_finding *finding);
bool sw_fail_on_matches(const struct sw_options *options, const struct sw_report *report);

#endif
