/* The list of families, in the order of the document. To add one: its file, a line here and one in correlate/CMakeLists.txt. */
#include "correlate/rules/rules.h"

extern const struct sw_rule_family sw_rules_connect, sw_rules_connect_silence, sw_rules_local, sw_rules_permission,
	sw_rules_limits, sw_rules_places, sw_rules_stream_end, sw_rules_stream_silence, sw_rules_stream_slow,
	sw_rules_datagram, sw_rules_dns, sw_rules_tls, sw_rules_serve, sw_rules_unix, sw_rules_last;

const struct sw_rule_family *const sw_rule_families[] = {
	&sw_rules_connect,     &sw_rules_connect_silence,
	&sw_rules_local,       &sw_rules_permission,
	&sw_rules_limits,      &sw_rules_places,
	&sw_rules_stream_end,  &sw_rules_stream_silence,
	&sw_rules_stream_slow, &sw_rules_datagram,
	&sw_rules_dns,         &sw_rules_tls,
	&sw_rules_serve,       &sw_rules_unix,
	&sw_rules_last,        NULL,
};
