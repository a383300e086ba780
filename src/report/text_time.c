/* Where the time of several operations of one finding went: a short table, one row an operation, the largest part marked.
 *
 * Enters: a finding's occurrences. Leaves: lines. One operation alone needs no table; the line of its parts says it. */
#include <string.h>

#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/text.h"
#include "src/report/words.h"

#define ROWS_SHOWN 6
#define COLUMNS_SHOWN 3
#define LEAST_SHARE 20 /* a part below one in so many of the whole gets no column */
#define CELL 16 /* as long as the longest name */

static int64_t sum_of(const struct sw_finding *finding, int part)
{
	int64_t sum = 0;

	for (size_t i = 0; i < finding->occurrence_count; i++)
		sum += finding->occurrences[i].time_ns[part];
	return sum;
}

/* The parts that are worth a column, in the order of their names' enum. */
static size_t columns_of(const struct sw_finding *finding, int columns[COLUMNS_SHOWN])
{
	int64_t whole = 0;
	size_t count = 0;

	for (int part = 0; part < SW_PART_COUNT; part++)
		whole += sum_of(finding, part);
	for (int part = 0; part < SW_PART_COUNT && count < COLUMNS_SHOWN; part++) {
		if (sum_of(finding, part) > whole / LEAST_SHARE)
			columns[count++] = part;
	}
	return count;
}

static int largest_of(const struct sw_occurrence *one)
{
	int largest = 0;

	for (int part = 1; part < SW_PART_COUNT; part++) {
		if (one->time_ns[part] > one->time_ns[largest])
			largest = part;
	}
	return largest;
}

static char *trimmed(char *line)
{
	size_t length = strlen(line);

	while (length && line[length - 1] == ' ')
		line[--length] = 0;
	return line;
}

static char *row_of(const struct sw_occurrence *one, int64_t base_ns, const int *columns, size_t count)
{
	char began[32], took[32], part[32];
	char *row = sw_format("+%-6s %-7s", sw_duration_text(one->began_ns - base_ns, began),
			      sw_duration_text(one->duration_ns, took));

	for (size_t i = 0; i < count; i++) {
		int64_t ns = one->time_ns[columns[i]];
		char *longer = sw_format("%s%s%-*s", row, largest_of(one) == columns[i] ? "*" : " ", CELL,
					 ns > 0 ? sw_duration_text(ns, part) : "-");

		free(row);
		row = longer;
	}
	return trimmed(row);
}

static void put_columns(const struct sw_page *page, const int *columns, size_t count)
{
	char *head = sw_format("%-7s %-7s", "began", "took");

	for (size_t i = 0; i < count; i++) {
		char *longer = sw_format("%s %-*s", head, CELL, sw_part_name((enum sw_part)columns[i]));

		free(head);
		head = longer;
	}
	sw_page_put(page, &(struct sw_paragraph){.label = "time", .text = trimmed(head), .whole = true});
	free(head);
}

bool sw_text_time(const struct sw_page *page, const struct sw_finding *finding)
{
	int columns[COLUMNS_SHOWN];
	size_t count = columns_of(finding, columns), rows = finding->occurrence_count;

	if (finding->severity != SW_SEVERITY_SLOW || rows < 2 || !count)
		return false;
	put_columns(page, columns, count);
	for (size_t i = 0; i < rows && i < ROWS_SHOWN; i++) {
		char *row = row_of(&finding->occurrences[i], finding->occurrences[0].began_ns, columns, count);

		sw_page_put(page, &(struct sw_paragraph){.text = row, .whole = true});
		free(row);
	}
	if (finding->count > ROWS_SHOWN && rows > ROWS_SHOWN)
		sw_page_line(page, NULL, "and %u more", finding->count - ROWS_SHOWN);
	return true;
}
