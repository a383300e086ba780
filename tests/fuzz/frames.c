/* Fuzz target: what names frames: an ELF file's segments and symbols, the table in it that Go's runtime reads, and the text in which an
 * interpreter names its code. The first two bytes are the address that is asked for. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tracer/stack/frame_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sw_frame_answer *answer)
{
	assert(strnlen(answer->function, sizeof answer->function) < sizeof answer->function);
	assert(strnlen(answer->file, sizeof answer->file) < sizeof answer->file);
}

static void ask_elf(int fd, uint64_t offset)
{
	struct sw_elf *elf = sw_elf_open(fd);
	struct sw_frame_answer answer = {0};
	char name[512];
	uint64_t address = offset, within;

	if (!elf)
		return;
	sw_elf_address(elf, offset, &address);
	if (sw_elf_function(elf, address, name, sizeof name, &within))
		assert(strnlen(name, sizeof name) < sizeof name);
	sw_go_ask(elf, fd, address, &answer);
	check(&answer);
	memset(&answer, 0, sizeof answer);
	sw_go_ask(elf, fd, 0x401000 + offset, &answer);
	check(&answer);
	sw_elf_free(elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct sw_frame_answer answer = {0};

	if (size < 2)
		return 0;
	if (fd < 0)
		fd = memfd_create("object", MFD_CLOEXEC);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data + 2, size - 2, 0) != (ssize_t)(size - 2))
		return 0;
	uint64_t asked = (uint64_t)data[0] | (uint64_t)data[1] << 8;

	ask_elf(fd, asked);
	struct sw_jit *jit = sw_jit_open(fd);

	sw_jit_ask(jit, asked, &answer);
	check(&answer);
	sw_jit_free(jit);
	return 0;
}
