/* Times and durations, read and written. All arithmetic is in integers: a double loses nanoseconds of today. */
#include "src/base/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/base/mem.h"

#define TEXT_SIZE 32

static int64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * SW_NS_PER_S + time.tv_nsec;
}

int64_t sw_clock_realtime(void)
{
	return now(CLOCK_REALTIME);
}

int64_t sw_clock_monotonic(void)
{
	return now(CLOCK_MONOTONIC);
}

/* A decimal number of `unit` nanoseconds with at most nine digits behind the point. Returns its end, NULL when there is no number or it
 * does not fit. */
static const char *read_decimal(const char *text, int64_t *whole, int64_t *billionths)
{
	const char *start = text;

	*whole = 0;
	*billionths = 0;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(*whole, 10, whole) || __builtin_add_overflow(*whole, *text - '0', whole))
			return NULL;
	if (text == start)
		return NULL;
	if (text[0] != '.' || !isdigit((unsigned char)text[1]))
		return text;
	text++;
	for (int64_t place = SW_NS_PER_S / 10; place > 0 && isdigit((unsigned char)*text); place /= 10, text++)
		*billionths += (*text - '0') * place;
	return text;
}

static bool scale(int64_t whole, int64_t billionths, int64_t unit, int64_t *ns)
{
	return !__builtin_mul_overflow(whole, unit, ns) &&
	       !__builtin_add_overflow(*ns, (int64_t)((__int128)billionths * unit / SW_NS_PER_S), ns);
}

bool sw_duration_parse(const char *text, int64_t *ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{"", SW_NS_PER_S}, {"s", SW_NS_PER_S},      {"ms", SW_NS_PER_MS},      {"us", SW_NS_PER_US},
		{"ns", 1},         {"m", 60 * SW_NS_PER_S}, {"min", 60 * SW_NS_PER_S}, {"h", 3600 * SW_NS_PER_S},
	};
	int64_t whole, billionths;
	const char *unit = read_decimal(text, &whole, &billionths);

	if (!unit)
		return false;
	for (size_t i = 0; i < SW_COUNT(units); i++)
		if (strcmp(unit, units[i].name) == 0)
			return scale(whole, billionths, units[i].ns, ns);
	return false;
}

const char *sw_time_parse(const char *text, int64_t *ns)
{
	bool negative = *text == '-';
	int64_t whole, billionths;
	const char *end = read_decimal(text + negative, &whole, &billionths);

	if (!end || !scale(whole, billionths, SW_NS_PER_S, ns))
		return NULL;
	if (negative)
		*ns = -*ns;
	return end;
}

/* Two units: "2 min 5 s", "3 h", without a zero second part. */
static void two_units(char *out, size_t size, int64_t count, int64_t ratio, const char *large, const char *small)
{
	if (count % ratio)
		snprintf(out, size, "%" PRId64 " %s %" PRId64 " %s", count / ratio, large, count % ratio, small);
	else
		snprintf(out, size, "%" PRId64 " %s", count / ratio, large);
}

/* Nanoseconds, rounded to a whole number of `step`, which is what is then shown. */
static int64_t rounded(int64_t ns, int64_t step)
{
	return (ns / step + (ns % step >= step / 2 + step % 2)) * step;
}

static void positive_duration(char *out, size_t size, int64_t ns)
{
	static const struct { /* up to `below`, shown in `unit` with `decimals`, rounded to `step` */
		int64_t below, step, unit;
		int decimals;
		const char *name;
	} rows[] = {
		{SW_NS_PER_US, 1, 1, 0, "ns"},
		{10 * SW_NS_PER_US, 100, SW_NS_PER_US, 1, "us"},
		{100 * SW_NS_PER_US, SW_NS_PER_US, SW_NS_PER_US, 0, "us"},
		{SW_NS_PER_MS, 10 * SW_NS_PER_US, SW_NS_PER_MS, 2, "ms"},
		{10 * SW_NS_PER_MS, 100 * SW_NS_PER_US, SW_NS_PER_MS, 1, "ms"},
		{SW_NS_PER_S, SW_NS_PER_MS, SW_NS_PER_MS, 0, "ms"},
		{60 * SW_NS_PER_S, 100 * SW_NS_PER_MS, SW_NS_PER_S, 1, "s"},
	};

	/* Rounding may carry into the next row: 999.6 ms is 1.0 s. */
	for (size_t i = 0; i < SW_COUNT(rows); i++)
		if (rounded(ns, rows[i].step) < rows[i].below) {
			snprintf(out, size, "%.*f %s", rows[i].decimals,
				 (double)rounded(ns, rows[i].step) / (double)rows[i].unit, rows[i].name);
			return;
		}

	int64_t seconds = rounded(ns, SW_NS_PER_S) / SW_NS_PER_S;
	int64_t minutes = (seconds + 30) / 60;

	if (seconds < 3600)
		two_units(out, size, seconds, 60, "min", "s");
	else if (minutes < 48 * 60)
		two_units(out, size, minutes, 60, "h", "min");
	else
		two_units(out, size, (minutes + 30) / 60, 24, "d", "h");
}

char *sw_duration_text(int64_t ns, char *buffer)
{
	const int64_t most = INT64_MAX - SW_NS_PER_S; /* what can still be rounded up; 292 years */
	bool negative = ns < 0;
	int64_t size = ns < -most ? most : negative ? -ns : ns;

	if (ns == 0)
		return strcpy(buffer, "0 s");
	if (negative)
		*buffer = '-';
	positive_duration(buffer + negative, TEXT_SIZE - 1, size > most ? most : size);
	return buffer;
}

char *sw_time_text(int64_t ns, char *buffer)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	if (ns == SW_TIME_NONE)
		return strcpy(buffer, "none");
	snprintf(buffer, TEXT_SIZE, "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "", size / SW_NS_PER_S,
		 size % SW_NS_PER_S);
	return buffer;
}

char *sw_time_of_day_text(int64_t ns, char *buffer)
{
	int64_t second = ns / SW_NS_PER_S - (ns % SW_NS_PER_S < 0);
	int64_t of_day = ((second % 86400) + 86400) % 86400;

	if (ns == SW_TIME_NONE)
		return strcpy(buffer, "none");
	snprintf(buffer, TEXT_SIZE, "%02d:%02d:%02d.%03dZ", (int)(of_day / 3600), (int)(of_day / 60 % 60),
		 (int)(of_day % 60), (int)((ns - second * SW_NS_PER_S) / SW_NS_PER_MS));
	return buffer;
}
