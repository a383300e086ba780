/* Time: nanoseconds of the real-time clock since 1970 (int64_t), the clock the kernel stamps packets with. */
#ifndef SW_BASE_CLOCK_H
#define SW_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define SW_NS_PER_S INT64_C(1000000000)
#define SW_NS_PER_MS INT64_C(1000000)
#define SW_NS_PER_US INT64_C(1000)
#define SW_TIME_NONE INT64_MIN /* unknown or not yet */

int64_t sw_clock_realtime(void);
int64_t sw_clock_monotonic(void);

/* "1.5s", "200ms", "10us", "2m", "1h", plain seconds; the form of an option's value. Negative is refused. */
bool sw_duration_parse(const char *text, int64_t *ns);
/* "3.0 s", "41 ms", "0.31 ms", "2 min 5 s": two or three digits that a person needs. Buffer at least 32 bytes. */
char *sw_duration_text(int64_t ns, char *buffer);
/* "1795381091.016801000": decimal seconds, nine digits, as in the JSON report. Buffer at least 32 bytes. */
char *sw_time_text(int64_t ns, char *buffer);
/* "20:58:11.017Z". Buffer at least 32 bytes. */
char *sw_time_of_day_text(int64_t ns, char *buffer);
/* Seconds with a fraction of up to nine digits, exact; returns the end of what was read, NULL when it is no number. */
const char *sw_time_parse(const char *text, int64_t *ns);

#endif
