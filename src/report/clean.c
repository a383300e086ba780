/* Cleaning of hostile text. Enters: any bytes up to a NUL. Leaves: valid UTF-8 without surprises for the reader. */
#include "src/report/clean.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* RFC 3629. Length of the character at `text` (0: not one) and its number. */
static size_t decode(const unsigned char *text, uint32_t *character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = text[0] < 0x80     ? 1 :
			text[0] >> 5 == 6  ? 2 :
			text[0] >> 4 == 14 ? 3 :
			text[0] >> 3 == 30 ? 4 :
					     0;

	if (length == 0)
		return 0;
	*character = length == 1 ? text[0] : text[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if (text[i] >> 6 != 2) /* also the NUL at the end */
			return 0;
		*character = *character << 6 | (text[i] & 0x3f);
	}
	if (*character < least[length] || *character > 0x10ffff || (*character >= 0xd800 && *character < 0xe000))
		return 0;
	return length;
}

char *sw_clean_utf8(const char *text)
{
	char *buffer = NULL;
	size_t size, length;
	uint32_t character;

	if (!text)
		return NULL;

	FILE *out = open_memstream(&buffer, &size);

	for (const unsigned char *c = (const unsigned char *)text; *c; c += length ? length : 1) {
		length = decode(c, &character);
		if (length)
			fwrite(c, 1, length, out);
		else
			fputs(REPLACEMENT, out);
	}
	fclose(out);
	return buffer;
}

/* Characters that make a line look like another: C1 controls, zero width, line and paragraph separators, bidirectional
 * controls (Unicode TR36), tags, the byte order mark. */
static bool deceives(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xe0000 && c < 0xe0080);
}

static void put_ascii(FILE *out, unsigned char c)
{
	if (c == '\n')
		fputs("\\n", out);
	else if (c == '\t')
		fputs("\\t", out);
	else if (c == '\r')
		fputs("\\r", out);
	else if (c < 0x20 || c == 0x7f)
		fprintf(out, "\\x%02x", c);
	else
		fputc(c, out);
}

char *sw_clean_terminal(const char *text)
{
	char *buffer = NULL;
	size_t size, length;
	uint32_t character;
	FILE *out = open_memstream(&buffer, &size);

	for (const unsigned char *c = (const unsigned char *)(text ? text : ""); *c; c += length ? length : 1) {
		length = decode(c, &character);
		if (length == 1)
			put_ascii(out, *c);
		else if (length == 0)
			fputs(REPLACEMENT, out);
		else if (deceives(character))
			fprintf(out, "\\u%04x", character);
		else
			fwrite(c, 1, length, out);
	}
	fclose(out);
	return buffer;
}

size_t sw_clean_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}
