/* Fuzz target: the capture file reader, pcap and pcapng, with everything it hands out walked to its end. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t touched;

static void walk(struct sw_pcapng_options options)
{
	struct sw_pcapng_option option;
	size_t length;

	free(sw_pcapng_options_join(options, SW_OPTION_CUSTOM_TEXT, SW_PCAPNG_PEN, &length));
	while (sw_pcapng_option_next(&options, &option)) {
		for (size_t i = 0; i < option.length; i++)
			touched += option.bytes[i];
	}
}

static void section(void *context, const struct sw_pcapng_options *options)
{
	(void)context;
	walk(*options);
}

static void interface(void *context, uint32_t number, uint32_t linktype, const struct sw_pcapng_options *options)
{
	(void)context;
	touched += number + linktype;
	walk(*options);
}

static void record(void *context, const struct sw_capture_record *found)
{
	(void)context;
	walk(found->options);
	for (uint32_t i = 0; i < found->length; i++)
		touched += found->bytes[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sw_capture_hooks hooks = {NULL, section, interface, record};
	static int fd = -1;
	static char path[64];
	struct sw_capture_status status;
	struct sw_packet packet;
	struct sw_err err = {0};
	char text[256];
	int result = 0;

	if (fd < 0) {
		fd = memfd_create("input", MFD_CLOEXEC);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	struct sw_capture_file *file = sw_capture_file_open(path, &err);

	if (!file)
		return 0;
	sw_capture_file_hooks(file, &hooks);
	while ((result = sw_capture_file_next(file, &packet, &err)) > 0) {
		const struct sw_raw_packet *raw = sw_capture_file_raw(file);

		for (uint32_t i = 0; i < raw->captured; i++)
			touched += raw->bytes[i];
		walk(sw_capture_file_options(file));
		(void)sw_packet_text(&packet, packet.way, text, sizeof text);
	}
	assert(result == 0 || err.text[0]);
	sw_capture_file_status(file, &status);
	sw_capture_file_close(file);
	return 0;
}
