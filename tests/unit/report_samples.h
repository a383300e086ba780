/* Reports made by hand, one for each thing that a renderer must get right; used by the tests of the renderers. */
#ifndef SW_TEST_REPORT_SAMPLES_H
#define SW_TEST_REPORT_SAMPLES_H

#include "src/report/report.h"

struct report_sample {
	const char *name; /* of the golden files */
	const struct sw_report_context *(*make)(void); /* static storage, made anew by each call */
};

extern const struct report_sample report_samples[];
extern const size_t report_sample_count;

/* For what the samples share (report_samples_more.c). */
#define SAMPLE_BASE INT64_C(1795381087000000000) /* 20:58:07Z */
#define SAMPLE_TEXTS(...)                                                                                              \
	({                                                                                                             \
		static char *lines[] = {__VA_ARGS__};                                                                  \
		(struct sw_texts){.count = sizeof lines / sizeof *lines, .items = lines};                              \
	})
struct sw_addr sample_addr(const char *text);
struct sw_report_context sample_context(const struct sw_report *report);
struct sw_report sample_report(void);
struct sw_finding sample_refused(void);

const struct sw_report_context *sample_hostile(void);
const struct sw_report_context *sample_evil(void);
const struct sw_report_context *sample_bare(void);
const struct sw_report_context *sample_explained(void);
const struct sw_report_context *sample_many(void);
const struct sw_report_context *sample_slow(void);

#endif
