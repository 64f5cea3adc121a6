/* dice: see dice.h. */
#include "sim/dice.h"

uint64_t dice_draw(struct dice *d)
{
	uint64_t result = dice_rotate(d->s[1] * 5, 7) * 9, t = d->s[1] << 17;

	d->s[2] ^= d->s[0];
	d->s[3] ^= d->s[1];
	d->s[1] ^= d->s[2];
	d->s[0] ^= d->s[3];
	d->s[2] ^= t;
	d->s[3] = dice_rotate(d->s[3], 45);
	return result;
}

void dice_sow(struct dice *d, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		seed += UINT64_C(0x9e3779b97f4a7c15);
		d->s[i] = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9) ^ (seed >> 27);
	}
	for (int i = 0; i < 16; i++)
		dice_draw(d);
}

void dice_fill(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)dice_draw(ctx);
}
