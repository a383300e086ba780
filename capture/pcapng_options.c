/* Options of pcapng blocks. Enters: the bytes behind a block's fixed part, hostile. Leaves: one option at a time.
 * draft-ietf-opsawg-pcapng, section 3.5. */
#include "capture/file.h"

#include <string.h>

#include "src/base/mem.h"

static uint32_t read_u32(bool swapped, const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return swapped ? __builtin_bswap32(value) : value;
}

static uint16_t read_u16(bool swapped, const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof value);
	return swapped ? __builtin_bswap16(value) : value;
}

static bool is_custom(uint16_t code)
{
	return code == SW_OPTION_CUSTOM_TEXT || code == SW_OPTION_CUSTOM_BYTES || code == SW_OPTION_CUSTOM_TEXT_ONCE ||
	       code == SW_OPTION_CUSTOM_BYTES_ONCE;
}

bool sw_pcapng_option_next(struct sw_pcapng_options *options, struct sw_pcapng_option *option)
{
	size_t left = (size_t)(options->end - options->at);

	if (left < 4)
		return false;
	*option = (struct sw_pcapng_option){.code = read_u16(options->swapped, options->at),
					    .length = read_u16(options->swapped, options->at + 2),
					    .bytes = options->at + 4};
	left -= 4;
	if (!option->code || option->length > left)
		return false;
	size_t padded = (option->length + 3) & ~(size_t)3;

	options->at += 4 + (padded < left ? padded : left);
	if (is_custom(option->code) && option->length >= 4) {
		option->pen = read_u32(options->swapped, option->bytes);
		option->bytes += 4;
		option->length -= 4;
	}
	return true;
}

char *sw_pcapng_options_join(struct sw_pcapng_options options, uint16_t code, uint32_t pen, size_t *length)
{
	struct sw_pcapng_option option;
	char *joined = NULL;
	size_t used = 0;

	while (sw_pcapng_option_next(&options, &option)) {
		if (option.code != code || option.pen != pen)
			continue;
		joined = sw_realloc(joined, used + option.length + 1);
		memcpy(joined + used, option.bytes, option.length);
		used += option.length;
		joined[used] = '\0';
	}
	*length = used;
	return joined;
}
