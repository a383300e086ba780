/* /proc/PID/maps, the executable part of it: see stack_maps.h. */
#include "tracer/stack/stack_maps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "tracer/kernel/proc.h"

#define MAPS_ROOM ((size_t)1 << 20) /* a process with more mappings has its later ones left out */

/* "7f..-7f.. r-xp 00026000 fe:01 1234   /usr/lib/libc.so.6" */
static bool parse(const char *line, struct sw_mapping *mapping, size_t *path, bool *executable)
{
	char rights[5];
	int at = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %" SCNu64 "%n", &mapping->begin,
		   &mapping->end, rights, &mapping->offset, &mapping->inode, &at) != 5)
		return false;
	*executable = rights[2] == 'x';
	*path = (size_t)at + strspn(line + at, " ");
	return true;
}

bool sw_maps_read(struct sw_maps *maps, pid_t pid, pid_t tid, bool *changed)
{
	char *text = sw_alloc(MAPS_ROOM), *old = maps->texts;
	struct sw_mapping mapping = {0}, first = {0};
	size_t before = maps->mappings.count, path;
	if (sw_proc_read_task(pid, tid, "maps", text, MAPS_ROOM) <= 0) {
		free(text);
		return false;
	}
	uint64_t old_sum = 0, new_sum = 0;
	for (size_t i = 0; i < before; i++)
		old_sum = old_sum * 31 + maps->mappings.items[i].begin + maps->mappings.items[i].inode;
	maps->mappings.count = 0;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		bool executable = false;
		if (!parse(line, &mapping, &path, &executable))
			continue;
		if (mapping.offset == 0)
			first = mapping;
		mapping.base = first.inode == mapping.inode && (mapping.inode || first.begin == mapping.begin) ?
				       first.begin :
				       0;
		if (!executable)
			continue;
		mapping.path = (size_t)(line - text) + path;
		new_sum = new_sum * 31 + mapping.begin + mapping.inode;
		*SW_ARRAY_ADD(&maps->mappings) = mapping;
	}
	free(old);
	maps->texts = text;
	maps->read_ns = sw_clock_monotonic();
	*changed = before != maps->mappings.count || old_sum != new_sum;
	return true;
}

void sw_maps_release(struct sw_maps *maps)
{
	SW_ARRAY_RELEASE(&maps->mappings);
	free(maps->texts);
	*maps = (struct sw_maps){0};
}

struct sw_mapping *sw_maps_find(struct sw_maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->mappings.count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		struct sw_mapping *mapping = &maps->mappings.items[middle];
		if (address < mapping->begin)
			high = middle;
		else if (address >= mapping->end)
			low = middle + 1;
		else
			return mapping;
	}
	return NULL;
}

const char *sw_maps_path(const struct sw_maps *maps, const struct sw_mapping *mapping)
{
	return maps->texts + mapping->path;
}
