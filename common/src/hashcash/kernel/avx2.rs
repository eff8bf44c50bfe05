//! The instructions of AVX2: 8 lanes. A rotation is two shifts and an OR.

use std::arch::x86_64::{
    __m256i as Vector, _mm256_add_epi32 as add, _mm256_and_si256 as and, _mm256_castsi256_ps,
    _mm256_cmpeq_epi32, _mm256_movemask_ps, _mm256_or_si256 as or, _mm256_set1_epi32 as splat,
    _mm256_setr_epi32 as vector, _mm256_sllv_epi32 as shift_left, _mm256_srlv_epi32 as shift_right,
    _mm256_xor_si256 as xor,
};

const LANES: usize = 8;
/// The states of two streams take 10 of the 16 registers.
const STREAMS: usize = 2;

#[target_feature(enable = "avx2")]
fn rotate<const BITS: i32>(a: Vector) -> Vector {
    or(shift_left(a, splat(BITS)), shift_right(a, splat(32 - BITS)))
}

/// Computes the function of three operands that has this truth table.
#[target_feature(enable = "avx2")]
fn ternary<const TABLE: i32>(b: Vector, c: Vector, d: Vector) -> Vector {
    match TABLE {
        CHOOSE => xor(d, and(b, xor(c, d))),
        MAJORITY => or(and(b, or(c, d)), and(c, d)),
        _ => xor(xor(b, c), d),
    }
}

/// Returns a bit for each lane that is zero under `mask`.
#[target_feature(enable = "avx2")]
fn zero_lanes(a: Vector, mask: Vector) -> u8 {
    let equal = _mm256_cmpeq_epi32(and(a, mask), splat(0));
    _mm256_movemask_ps(_mm256_castsi256_ps(equal)) as u8
}

engine! { "avx2", 0 1 2 3 4 5 6 7 }
