/* A bounded piece of text being written: see the header. */
#include "tracer/text/text_out.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sw_out_init(struct sw_out *out, char *buffer, size_t size)
{
	assert(size > 0);
	*out = (struct sw_out){.buffer = buffer, .size = size};
	buffer[0] = '\0';
}

void sw_out_add(struct sw_out *out, const char *format, ...)
{
	size_t room = out->size - out->length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(out->buffer + out->length, room, format, args);
	va_end(args);
	if (length < 0)
		return;
	if ((size_t)length >= room) {
		out->cut = true;
		out->length = out->size - 1;
	} else {
		out->length += (size_t)length;
	}
}

void sw_out_string(struct sw_out *out, const char *text)
{
	size_t length = strlen(text), room = out->size - out->length - 1;

	if (length > room) {
		length = room;
		out->cut = true;
	}
	memcpy(out->buffer + out->length, text, length);
	out->length += length;
	out->buffer[out->length] = '\0';
}

static void add_byte(struct sw_out *out, unsigned char byte)
{
	switch (byte) {
	case '"': sw_out_string(out, "\\\""); break;
	case '\\': sw_out_string(out, "\\\\"); break;
	case '\n': sw_out_string(out, "\\n"); break;
	case '\r': sw_out_string(out, "\\r"); break;
	case '\t': sw_out_string(out, "\\t"); break;
	default:
		if (byte >= 0x20 && byte < 0x7f)
			sw_out_string(out, (char[]){(char)byte, '\0'});
		else
			sw_out_add(out, "\\x%02x", byte);
	}
}

void sw_out_quoted(struct sw_out *out, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	sw_out_string(out, "\"");
	for (size_t i = 0; i < length && !out->cut; i++)
		add_byte(out, byte[i]);
	sw_out_string(out, "\"");
}
