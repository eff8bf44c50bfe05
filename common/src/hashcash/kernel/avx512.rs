//! AVX-512: 16 lanes; a rotation and any function of three operands are one instruction each.

use std::arch::x86_64::*;

type Vector = __m512i;
const LANES: usize = 16;
/// Of 32 registers, four streams take 20.
const STREAMS: usize = 4;

operations! { "avx512f"
    splat(word: u32) -> Vector = _mm512_set1_epi32(word as i32);
    add(a: Vector, b: Vector) -> Vector = _mm512_add_epi32(a, b);
    xor(a: Vector, b: Vector) -> Vector = _mm512_xor_si512(a, b);
    rotate[BITS](a: Vector) -> Vector = _mm512_rol_epi32::<BITS>(a);
    // The truth tables of the three functions; `b` is the highest bit of the row's number.
    choose(b: Vector, c: Vector, d: Vector) -> Vector = _mm512_ternarylogic_epi32::<0xca>(b, c, d);
    parity(b: Vector, c: Vector, d: Vector) -> Vector = _mm512_ternarylogic_epi32::<0x96>(b, c, d);
    majority(b: Vector, c: Vector, d: Vector) -> Vector = _mm512_ternarylogic_epi32::<0xe8>(b, c, d);
    zero_lanes(a: Vector, mask: Vector) -> u32 = u32::from(_mm512_testn_epi32_mask(a, mask));
    gather(w: [i32; LANES]) -> Vector = _mm512_setr_epi32(
        w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7],
        w[8], w[9], w[10], w[11], w[12], w[13], w[14], w[15],
    );
}

engine!("avx512f");
