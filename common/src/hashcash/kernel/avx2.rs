//! AVX2: 8 lanes; a rotation is two shifts and an OR.

use std::arch::x86_64::*;

type Vector = __m256i;
const LANES: usize = 8;
/// Of 16 registers, two streams take 10.
const STREAMS: usize = 2;

operations! { "avx2"
    splat(word: u32) -> Vector = _mm256_set1_epi32(word as i32);
    add(a: Vector, b: Vector) -> Vector = _mm256_add_epi32(a, b);
    xor(a: Vector, b: Vector) -> Vector = _mm256_xor_si256(a, b);
    and(a: Vector, b: Vector) -> Vector = _mm256_and_si256(a, b);
    or(a: Vector, b: Vector) -> Vector = _mm256_or_si256(a, b);
    shift(a: Vector, left: i32, right: i32) -> Vector = or(
        _mm256_sll_epi32(a, _mm_cvtsi32_si128(left)),
        _mm256_srl_epi32(a, _mm_cvtsi32_si128(right)),
    );
    rotate[BITS](a: Vector) -> Vector = shift(a, BITS, 32 - BITS);
    choose(b: Vector, c: Vector, d: Vector) -> Vector = xor(d, and(b, xor(c, d)));
    parity(b: Vector, c: Vector, d: Vector) -> Vector = xor(xor(b, c), d);
    majority(b: Vector, c: Vector, d: Vector) -> Vector = or(and(b, or(c, d)), and(c, d));
    zero_lanes(a: Vector, mask: Vector) -> u32 =
        _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(and(a, mask), splat(0)))) as u32;
    gather(w: [i32; LANES]) -> Vector =
        _mm256_setr_epi32(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]);
}

engine!("avx2");
