/* The anonymizer's life; packets, whose frames are rewritten and decoded again; what the report says of the session. See anonymize.h. */
#include "src/anonymize/anonymize.h"

#include <string.h>
#include <sys/random.h>

#include "capture/application.h"
#include "capture/decode.h"
#include "capture/pcapng_write.h"
#include "src/anonymize/internal.h"
#include "src/base/arena.h"

struct sw_anonymizer *sw_anonymizer_with_key(const uint8_t key[16])
{
	struct sw_anonymizer *anonymizer = sw_alloc(sizeof *anonymizer);
	memcpy(anonymizer->key, key, sizeof anonymizer->key);
	anonymizer->frame = sw_alloc(SW_ANONYMIZE_FRAME);
	anonymizer->application = sw_application_new();
	anonymizer->arena = sw_arena_new();
	return anonymizer;
}

struct sw_anonymizer *sw_anonymizer_new(void)
{
	uint8_t key[16];
	/* Up to 256 bytes come whole, once the kernel's pool is ready; getrandom(2). Without a key nothing would be anonymous. */
	if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
		abort();
	struct sw_anonymizer *anonymizer = sw_anonymizer_with_key(key);
	explicit_bzero(key, sizeof key);
	return anonymizer;
}

void sw_anonymizer_free(struct sw_anonymizer *anonymizer)
{
	if (!anonymizer)
		return;
	for (size_t i = 0; i < anonymizer->texts.count; i++)
		free(anonymizer->texts.items[i]);
	SW_ARRAY_RELEASE(&anonymizer->texts);
	SW_ARRAY_RELEASE(&anonymizer->fields);
	SW_ARRAY_RELEASE(&anonymizer->programs);
	SW_ARRAY_RELEASE(&anonymizer->messages);
	SW_ARRAY_RELEASE(&anonymizer->stack);
	sw_known_ips_free(anonymizer->ips);
	sw_pseudonyms_free(anonymizer->words);
	sw_masks_free(anonymizer->masks);
	sw_application_free(anonymizer->application);
	free(anonymizer->fact);
	free(anonymizer->command_line);
	free(anonymizer->what);
	free(anonymizer->costs);
	free(anonymizer->why_not);
	free(anonymizer->interfaces);
	free(anonymizer->frame);
	sw_arena_free(anonymizer->arena);
	explicit_bzero(anonymizer->key, sizeof anonymizer->key);
	free(anonymizer);
}

bool sw_anonymizer_packet(struct sw_anonymizer *anonymizer, const struct sw_packet **packet,
			  const struct sw_raw_packet **raw)
{
	if (!anonymizer)
		return true;
	const struct sw_packet *old = *packet;
	struct sw_packet *new = &anonymizer->packet, before;
	uint32_t wire = 0;
	size_t length = sw_frame_to_sll2(old, *raw, anonymizer->frame, SW_ANONYMIZE_FRAME, &wire);
	/* Where the layers stand in this frame, not in the one it was made of. */
	sw_decode_way(SW_LINK_SLL2, anonymizer->frame, length, wire, old->way, &before);
	length = sw_anonymizer_frame(anonymizer, &before, anonymizer->frame, length, wire);
	if (!length)
		return false;
	sw_decode_way(SW_LINK_SLL2, anonymizer->frame, length, wire, old->way, new);
	new->id = old->id;
	new->input = old->input;
	new->place = old->place;
	new->netns = old->netns;
	new->interface = old->interface;
	new->time_ns = old->time_ns;
	new->flags = old->flags;
	new->speech = old->speech; /* its payload is gone; numbers alone, which name nobody */
	sw_application_packet(anonymizer->application, new);
	anonymizer->raw = **raw;
	anonymizer->raw.linktype = SW_LINK_SLL2;
	anonymizer->raw.captured = (uint32_t)length;
	anonymizer->raw.wire = wire;
	anonymizer->raw.bytes = anonymizer->frame;
	*packet = new;
	*raw = &anonymizer->raw;
	return true;
}

static const char *lasting(struct sw_anonymizer *anonymizer, char *text)
{
	const char *kept = sw_arena_strdup(anonymizer->arena, text);
	free(text);
	return kept;
}

void sw_anonymizer_host(struct sw_anonymizer *anonymizer, struct sw_report_host *host)
{
	if (!anonymizer)
		return;
	host->name = lasting(anonymizer, sw_anonymizer_text(anonymizer, host->name));
	host->container = lasting(anonymizer, sw_anonymizer_text(anonymizer, host->container));
}

void sw_anonymizer_inputs(struct sw_anonymizer *anonymizer, struct sw_report_input *inputs, size_t count)
{
	for (size_t i = 0; anonymizer && i < count; i++)
		inputs[i].file = lasting(anonymizer, sw_anonymizer_text(anonymizer, inputs[i].file));
}

void sw_anonymizer_target(struct sw_anonymizer *anonymizer, struct sw_report_target *target)
{
	if (!anonymizer || !target->command_count)
		return;
	const char **command = sw_arena_alloc(anonymizer->arena, target->command_count * sizeof *command);
	for (size_t i = 0; i < target->command_count; i++)
		command[i] = lasting(anonymizer, sw_anonymizer_argument(anonymizer, target->command[i], i == 0));
	target->command = command;
}
