//! The instructions of AVX-512: 16 lanes. A rotation is one instruction, and so is any bitwise
//! function of three operands.

use std::arch::x86_64::{
    __m512i as Vector, _mm512_add_epi32 as add, _mm512_rol_epi32 as rotate,
    _mm512_set1_epi32 as splat, _mm512_setr_epi32 as vector, _mm512_ternarylogic_epi32 as ternary,
    _mm512_testn_epi32_mask as zero_lanes, _mm512_xor_si512 as xor,
};

const LANES: usize = 16;
/// The states of four streams take 20 of the 32 registers.
const STREAMS: usize = 4;

engine! { "avx512f", 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 }
