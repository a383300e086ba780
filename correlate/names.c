/* The names of the report's enumerations, as they stand in JSON and text. */
#include "correlate/report.h"
#include "src/base/mem.h"

#define NAME_OF(names, value) ((size_t)(value) < SW_COUNT(names) && (names)[value] ? (names)[value] : "unknown")

const char *sw_severity_name(enum sw_severity severity)
{
	static const char *const names[] = {"note", "slow", "failure"};

	return NAME_OF(names, severity);
}

const char *sw_confidence_name(enum sw_confidence confidence)
{
	static const char *const names[] = {"possible", "likely", "certain"};

	return NAME_OF(names, confidence);
}

const char *sw_locus_name(enum sw_locus locus)
{
	static const char *const names[] = {"unknown",   "local-app", "local-host", "path",
					    "peer-host", "peer-app",  "resolver"};

	return NAME_OF(names, locus);
}

const char *sw_operation_name(enum sw_operation operation)
{
	static const char *const names[] = {"none",   "connect",  "look-up",  "handshake", "drain",
					    "answer", "greeting", "datagram", "serve",     "call"};

	return NAME_OF(names, operation);
}

const char *sw_outcome_name(enum sw_outcome outcome)
{
	static const char *const names[] = {"open",    "done", "failed", "eof",      "answered-no",
					    "gave-up", "hung", "lost",   "unserved", "slow"};

	return NAME_OF(names, outcome);
}

const char *sw_part_name(enum sw_part part)
{
	static const char *const names[] = {"data-waiting", "receiver-window",  "nagle",      "send-buffer", "loss",
					    "round-trip",   "peer-application", "application"};

	return NAME_OF(names, part);
}
