/* Where the time of several operations of one finding went: a short table, one row an operation, the largest part marked.
 *
 * Enters: a finding's occurrences. Leaves: lines that fit the page. One operation alone needs no table; the line of its parts says it. */
#include <string.h>

#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/text.h"
#include "src/report/words.h"

#define ROWS_SHOWN 6
#define COLUMNS_SHOWN 3
#define LEAST_SHARE 20 /* a part below one in so many of the whole gets no column, unless it is the largest of a row */

struct table {
	const struct sw_finding *finding;
	size_t rows;
	int64_t sums[SW_PART_COUNT];
	bool largest[SW_PART_COUNT]; /* of some row */
	int began_width, took_width;
	int part_width[SW_PART_COUNT];
	int columns[COLUMNS_SHOWN]; /* parts, in the order of their names' enum */
	size_t column_count;
};

static int wider(int width, const char *text)
{
	return (int)strlen(text) > width ? (int)strlen(text) : width;
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

static int64_t offset_of(const struct table *table, size_t row)
{
	return table->finding->occurrences[row].began_ns - table->finding->occurrences[0].began_ns;
}

static void measure(struct table *table)
{
	char text[32];

	table->began_width = (int)strlen("began");
	table->took_width = (int)strlen("took");
	for (int part = 0; part < SW_PART_COUNT; part++)
		table->part_width[part] = (int)strlen(sw_part_text((enum sw_part)part));
	for (size_t row = 0; row < table->rows; row++) {
		const struct sw_occurrence *one = &table->finding->occurrences[row];

		table->began_width = wider(table->began_width - 1, sw_duration_text(offset_of(table, row), text)) + 1;
		table->took_width = wider(table->took_width, sw_duration_text(one->duration_ns, text));
		table->largest[largest_of(one)] = true;
		for (int part = 0; part < SW_PART_COUNT; part++) {
			table->sums[part] += one->time_ns[part];
			table->part_width[part] =
				wider(table->part_width[part], sw_duration_text(one->time_ns[part], text));
		}
	}
}

/* The part that deserves the next column, -1 none: first those that are the largest of a row. */
static int next_column(const struct table *table, const bool *taken)
{
	int64_t whole = 0;
	int best = -1;

	for (int part = 0; part < SW_PART_COUNT; part++)
		whole += table->sums[part];
	for (int part = 0; part < SW_PART_COUNT; part++) {
		if (taken[part] || table->sums[part] <= 0 ||
		    (!table->largest[part] && table->sums[part] <= whole / LEAST_SHARE))
			continue;
		if (best < 0 || (table->largest[part] && !table->largest[best]) ||
		    (table->largest[part] == table->largest[best] && table->sums[part] > table->sums[best]))
			best = part;
	}
	return best;
}

static void choose_columns(struct table *table, int room)
{
	bool taken[SW_PART_COUNT] = {false}, shown[SW_PART_COUNT] = {false};
	int part;

	room -= table->began_width + 1 + table->took_width;
	for (size_t count = 0; count < COLUMNS_SHOWN && (part = next_column(table, taken)) >= 0;) {
		taken[part] = true;
		if (room < 2 + table->part_width[part])
			continue;
		room -= 2 + table->part_width[part];
		shown[part] = true;
		count++;
	}
	for (part = 0; part < SW_PART_COUNT; part++)
		if (shown[part])
			table->columns[table->column_count++] = part;
}

static char *trimmed(char *line)
{
	size_t length = strlen(line);

	while (length && line[length - 1] == ' ')
		line[--length] = 0;
	return line;
}

static char *with_cell(char *line, char mark, int width, const char *text)
{
	char *longer = sw_format("%s %c%-*s", line, mark, width, text);

	free(line);
	return longer;
}

static char *head_of(const struct table *table)
{
	char *line = sw_format("%-*s %-*s", table->began_width, "began", table->took_width, "took");

	for (size_t i = 0; i < table->column_count; i++)
		line = with_cell(line, ' ', table->part_width[table->columns[i]],
				 sw_part_text((enum sw_part)table->columns[i]));
	return trimmed(line);
}

static char *row_of(const struct table *table, size_t row)
{
	const struct sw_occurrence *one = &table->finding->occurrences[row];
	char began[32], took[32], text[32];
	char *line = sw_format("+%-*s %-*s", table->began_width - 1, sw_duration_text(offset_of(table, row), began),
			       table->took_width, sw_duration_text(one->duration_ns, took));

	for (size_t i = 0; i < table->column_count; i++) {
		int part = table->columns[i];

		line = with_cell(line, largest_of(one) == part ? '*' : ' ', table->part_width[part],
				 one->time_ns[part] > 0 ? sw_duration_text(one->time_ns[part], text) : "-");
	}
	return trimmed(line);
}

bool sw_text_time(const struct sw_page *page, const struct sw_finding *finding)
{
	size_t rows = finding->occurrence_count;
	struct table table = {.finding = finding, .rows = rows < ROWS_SHOWN ? rows : ROWS_SHOWN};

	if (finding->severity != SW_SEVERITY_SLOW || rows < 2)
		return false;
	measure(&table);
	choose_columns(&table, (int)page->width - (int)(page->indent + page->label_width));
	if (!table.column_count)
		return false;
	char *head = head_of(&table);
	sw_page_put(page, &(struct sw_paragraph){.label = "time", .text = head, .whole = true});
	free(head);
	for (size_t row = 0; row < table.rows; row++) {
		char *line = row_of(&table, row);

		sw_page_put(page, &(struct sw_paragraph){.text = line, .whole = true});
		free(line);
	}
	if (finding->count > table.rows)
		sw_page_line(page, NULL, "and %u more", finding->count - (uint32_t)table.rows);
	return true;
}
