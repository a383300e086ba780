/* Values of the JSON report: cleaned text, exact times, numbers that no reader rounds. New references. */
#ifndef SW_REPORT_JSON_VALUE_H
#define SW_REPORT_JSON_VALUE_H

#include <jansson.h>
#include <stdint.h>

#include "src/report/context.h"

json_t *sw_json_text(const char *text); /* NULL: null */
json_t *sw_json_texts(const struct sw_texts *texts);
json_t *sw_json_number(int64_t number); /* a string above 2^53, where a double loses digits */
json_t *sw_json_known(int64_t number); /* negative: null */
json_t *sw_json_time(int64_t ns); /* "1795381091.016801000"; SW_TIME_NONE: null */
json_t *sw_json_addr(const struct sw_addr *addr); /* null when absent */
json_t *sw_json_bool(bool value);
json_t *sw_json_flow(const struct sw_flow_summary *flow, bool counters);
json_t *sw_json_finding(const struct sw_finding *finding); /* json_finding.c */

/* object[key] = value; takes the value. */
void sw_json_set(json_t *object, const char *key, json_t *value);

#endif
