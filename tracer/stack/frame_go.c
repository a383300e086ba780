/* Functions and lines of Go programs from the table that their runtime needs, which strip(1) and -ldflags=-s leave in them.
 *
 * Enters: an ELF file, an address. Leaves: function, file, line. The file is hostile: the table is read into memory and every offset is
 * checked. Source: Go's debug/gosym/pclntab.go and runtime/symtab.go, of Go 1.18 and 1.20 (the two headers that are known here). */
#include <string.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/stack/frame_names.h"

#define TABLE_MAX ((size_t)256 << 20)
#define MAGIC_1_18 0xfffffff0u
#define MAGIC_1_20 0xfffffff1u
#define HEADER 8u
#define WORDS 8u /* behind the header, eight bytes each */

enum { WORD_FUNCTIONS, WORD_FILES, WORD_TEXT, WORD_NAMES, WORD_UNITS, WORD_FILE_NAMES, WORD_VALUES, WORD_TABLE };

struct table {
	uint8_t *bytes;
	size_t length;
	uint8_t quantum;
	uint64_t words[WORDS];
};

static bool word32(const struct table *table, uint64_t at, uint32_t *word)
{
	if (at > table->length || table->length - at < sizeof *word)
		return false;
	memcpy(word, table->bytes + at, sizeof *word);
	return true;
}

static bool text(const struct table *table, uint64_t at, const char **found)
{
	if (at >= table->length || !memchr(table->bytes + at, 0, table->length - at))
		return false;
	*found = (const char *)table->bytes + at;
	return true;
}

static bool load(const struct sw_elf *elf, int fd, struct table *table)
{
	struct sw_elf_section section, code;
	uint32_t magic;

	if ((!sw_elf_section(elf, ".gopclntab", &section) &&
	     !sw_elf_section(elf, ".data.rel.ro.gopclntab", &section)) ||
	    section.size < HEADER + 8 * WORDS || section.size > TABLE_MAX || section.offset > INT64_MAX)
		return false;
	table->bytes = sw_alloc(section.size);
	ssize_t got = pread(fd, table->bytes, section.size, (off_t)section.offset);

	table->length = got > 0 ? (size_t)got : 0;
	if (table->length < HEADER + 8 * WORDS)
		return false;
	memcpy(&magic, table->bytes, sizeof magic);
	memcpy(table->words, table->bytes + HEADER, sizeof table->words);
	table->quantum = table->bytes[6];
	/* In a position-independent program the linker's relocation is not in the file. */
	if (!table->words[WORD_TEXT] && sw_elf_section(elf, ".text", &code))
		table->words[WORD_TEXT] = code.address;
	for (int i = WORD_NAMES; i <= WORD_TABLE; i++)
		if (table->words[i] >= table->length)
			return false;
	return (magic == MAGIC_1_18 || magic == MAGIC_1_20) && table->bytes[7] == 8 &&
	       table->words[WORD_FUNCTIONS] <= table->length / 8;
}

/* Where the record of the function stands that the offset into the text lies in. */
static bool find(const struct table *table, uint64_t pc, uint64_t *record)
{
	uint64_t base = table->words[WORD_TABLE], low = 0, high = table->words[WORD_FUNCTIONS];
	uint32_t entry, offset;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (!word32(table, base + 8 * middle, &entry))
			return false;
		if (entry <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || !word32(table, base + 8 * low, &entry) || pc >= entry ||
	    !word32(table, base + 8 * (low - 1) + 4, &offset))
		return false;
	*record = base + offset;
	return true;
}

static bool varint(const struct table *table, uint64_t *at, uint32_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (*at >= table->length)
			return false;
		uint8_t byte = table->bytes[(*at)++];

		*value |= shift < 32 ? (uint32_t)(byte & 0x7f) << shift : 0;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* A table of values by address: pairs of differences, from -1 and the function's entry. */
static bool value_at(const struct table *table, uint32_t offset, uint64_t entry, uint64_t pc, int64_t *value)
{
	uint64_t at = table->words[WORD_VALUES] + offset, now = entry;
	uint32_t change, step;

	*value = -1;
	while (varint(table, &at, &change) && (change || now == entry) && varint(table, &at, &step)) {
		*value += change & 1 ? -(int64_t)(change >> 1) - 1 : (int64_t)(change >> 1);
		now += (uint64_t)step * table->quantum;
		if (pc < now)
			return true;
		if (!step)
			return false;
	}
	return false;
}

static void file_and_line(const struct table *table, uint64_t record, uint32_t entry, uint64_t pc,
			  struct sw_frame_answer *answer)
{
	uint32_t files, lines, unit, offset;
	int64_t file, line;
	const char *path;

	if (!word32(table, record + 20, &files) || !word32(table, record + 24, &lines) ||
	    !word32(table, record + 32, &unit) || !value_at(table, files, entry, pc, &file) || file < 0 ||
	    !value_at(table, lines, entry, pc, &line) || line <= 0 ||
	    !word32(table, table->words[WORD_UNITS] + 4 * ((uint64_t)unit + (uint64_t)file), &offset) ||
	    !text(table, table->words[WORD_FILE_NAMES] + offset, &path))
		return;
	const char *base = strrchr(path, '/');

	strncpy(answer->file, base ? base + 1 : path, sizeof answer->file - 1);
	answer->line = (uint32_t)line;
}

bool sw_go_ask(const struct sw_elf *elf, int fd, uint64_t address, struct sw_frame_answer *answer)
{
	struct table table = {0};
	uint64_t record;
	uint32_t entry, name;
	const char *function;
	bool found = false;

	if (load(elf, fd, &table) && address >= table.words[WORD_TEXT]) {
		uint64_t pc = address - table.words[WORD_TEXT];

		found = find(&table, pc, &record) && word32(&table, record, &entry) && entry <= pc &&
			word32(&table, record + 4, &name) && text(&table, table.words[WORD_NAMES] + name, &function);
		if (found) {
			strncpy(answer->function, function, sizeof answer->function - 1);
			answer->within = pc - entry;
			file_and_line(&table, record, entry, pc, answer);
		}
	}
	free(table.bytes);
	return found;
}
