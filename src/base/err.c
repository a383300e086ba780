/* The error object: one line that names the thing, the reason and what to do. */
#include "src/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sw_err_set(struct sw_err *err, int code, const char *format, ...)
{
	va_list arguments;

	if (!err)
		return code;
	err->code = code;
	va_start(arguments, format);
	vsnprintf(err->text, sizeof err->text, format, arguments);
	va_end(arguments);
	return code;
}

int sw_err_wrap(struct sw_err *err, const char *format, ...)
{
	va_list arguments;
	char inner[sizeof err->text];
	size_t used;

	if (!err)
		return 0;
	memcpy(inner, err->text, sizeof inner);
	va_start(arguments, format);
	vsnprintf(err->text, sizeof err->text, format, arguments);
	va_end(arguments);
	used = strlen(err->text);
	/* The reason matters more than the whole of its circumstances, but both are cut when they do not fit. */
	snprintf(err->text + used, sizeof err->text - used, "%s%s", inner[0] ? ": " : "", inner);
	return err->code;
}

void sw_err_clear(struct sw_err *err)
{
	if (!err)
		return;
	err->code = 0;
	err->text[0] = '\0';
}
