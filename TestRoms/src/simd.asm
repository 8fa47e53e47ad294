; simd: MMX, SSE and SSE2. Integer arithmetic with wrap and saturation, packing, shuffling and shifting; floating point with MXCSR's
; rounding, flags and flush-to-zero; which exceptions come before and which after the result; NaN rules; conversions; alignment; FXSAVE.
;
; SDM volume 1 chapters 9 to 11, volume 2 for the instructions.

%include "kernel.inc"
%include "paging.inc"

MX_IE equ 1
MX_DE equ 2
MX_ZE equ 4
MX_OE equ 8
MX_UE equ 16
MX_PE equ 32
MX_MASKED equ 0x1F80
MX_FTZ equ 1 << 15
MX_NEAREST equ 0 << 13
MX_DOWN equ 1 << 13
MX_UP equ 2 << 13
MX_CHOP equ 3 << 13

section .bss
alignb 16
operand:    resb 16
result:     resb 16
area:       resb 512 + 16
section .text

; EXPECT_MM lo, hi : mm0;  EXPECT_XMM d0, d1, d2, d3 : xmm0
%macro EXPECT_MM 2.nolist
    movq [result], mm0
    EXPECT_EQ [result], %1
    EXPECT_EQ [result + 4], %2
%endmacro
%macro EXPECT_XMM 4.nolist
    movups [result], xmm0
    EXPECT_EQ [result], %1
    EXPECT_EQ [result + 4], %2
    EXPECT_EQ [result + 8], %3
    EXPECT_EQ [result + 12], %4
%endmacro
; MM reg, lo, hi;  XMM reg, d0, d1, d2, d3
%macro MM 3
    mov dword [operand], %2
    mov dword [operand + 4], %3
    movq %1, [operand]
%endmacro
%macro XMM 5
    mov dword [operand], %2
    mov dword [operand + 4], %3
    mov dword [operand + 8], %4
    mov dword [operand + 12], %5
    movups %1, [operand]
%endmacro
%macro MXCSR 1
    push dword %1
    ldmxcsr [esp]
    add esp, 4
%endmacro
%macro EXPECT_MXCSR 1.nolist
    stmxcsr [result]
    EXPECT_EQ [result], %1
%endmacro

main:
    mov eax, cr0
    and eax, ~(CR0_TS | CR0_EM)
    or eax, CR0_NE | CR0_MP
    mov cr0, eax
    mov eax, cr4
    or eax, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, eax
    call mmx_arithmetic
    call mmx_shuffles
    call sse_arithmetic
    call sse_moves
    call rounding
    call flags
    call exceptions
    call nans
    call conversions
    call sse2_integers
    call alignment
    call stores
    call save_area
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
mmx_arithmetic:
    GROUP "MMX arithmetic"
    MM mm0, 0x7F80FF01, 0x00FF7FFF
    MM mm1, 0x01FF0101, 0x01010101
    movq mm2, mm0
    paddb mm0, mm1
    EXPECT_MM 0x807F0002, 0x01008000
    movq mm0, mm2
    paddsb mm0, mm1                             ; signed saturation
    EXPECT_MM 0x7F800002, 0x01007F00
    movq mm0, mm2
    paddusb mm0, mm1
    EXPECT_MM 0x80FFFF02, 0x01FF80FF
    movq mm0, mm2
    psubusw mm0, mm1
    EXPECT_MM 0x7D81FE00, 0x00007EFE
    movq mm0, mm2
    psubsw mm0, mm1
    EXPECT_MM 0x7D81FE00, 0xFFFE7EFE
    movq mm0, mm2
    paddsw mm0, mm1
    EXPECT_MM 0x7FFF0002, 0x02007FFF
    MM mm0, 0x80000002, 0x7FFF8000
    MM mm1, 0x80000003, 0x7FFF7FFF
    movq mm2, mm0
    pmulhw mm0, mm1
    EXPECT_MM 0x40000000, 0x3FFFC000
    movq mm0, mm2
    pmullw mm0, mm1
    EXPECT_MM 0x00000006, 0x00018000
    movq mm0, mm2
    pmaddwd mm0, mm1
    EXPECT_MM 0x40000006, 0x3FFF0001 - 0x3FFF8000
    MM mm0, 0x80008000, 0x00010001
    movq mm1, mm0
    pmaddwd mm0, mm1                            ; the one sum that overflows
    EXPECT_MM 0x80000000, 2
    MM mm0, 0x01020304, 0x7F80FF00
    MM mm1, 0x01030204, 0x80807F00
    movq mm2, mm0
    pcmpeqb mm0, mm1
    EXPECT_MM 0xFF0000FF, 0x00FF00FF
    movq mm0, mm2
    pcmpgtb mm0, mm1                            ; signed
    EXPECT_MM 0x0000FF00, 0xFF000000
    ; shifts: counts beyond the width give zeros, or signs
    MM mm0, 0x80018001, 0x7FFF0001
    movq mm2, mm0
    psrlw mm0, 1
    EXPECT_MM 0x40004000, 0x3FFF0000
    movq mm0, mm2
    psraw mm0, 15
    EXPECT_MM 0xFFFFFFFF, 0
    movq mm0, mm2
    psllw mm0, 16
    EXPECT_MM 0, 0
    movq mm0, mm2
    MM mm1, 0, 1                                ; a count of 2^32: all 64 bits count
    psrad mm0, mm1
    EXPECT_MM 0xFFFFFFFF, 0
    movq mm0, mm2
    psllq mm0, 33
    EXPECT_MM 0, 0x00030002
    movq mm0, mm2
    pandn mm0, mm0
    EXPECT_MM 0, 0
    emms
    ret

mmx_shuffles:
    GROUP "MMX packing, SSE integer extensions"
    MM mm0, 0x7FFF0080, 0x8000FF7F
    MM mm1, 0x00010002, 0x00FF0100
    movq mm2, mm0
    packsswb mm0, mm1
    EXPECT_MM 0x80807F7F, 0x7F7F0102
    movq mm0, mm2
    packuswb mm0, mm1
    EXPECT_MM 0x0000FF80, 0xFFFF0102
    MM mm0, 0x00008000, 0xFFFF7FFF
    packssdw mm0, mm1
    EXPECT_MM 0x80007FFF, 0x7FFF7FFF
    MM mm0, 0x44332211, 0x88776655
    MM mm1, 0xDDCCBBAA, 0x2211FFEE
    movq mm2, mm0
    punpcklbw mm0, mm1
    EXPECT_MM 0xBB22AA11, 0xDD44CC33
    movq mm0, mm2
    punpckhwd mm0, mm1
    EXPECT_MM 0xFFEE6655, 0x22118877
    movq mm0, mm2
    punpckldq mm0, mm1
    EXPECT_MM 0x44332211, 0xDDCCBBAA
    movq mm0, mm2
    pshufw mm0, mm2, 0x1B
    EXPECT_MM 0x66558877, 0x22114433
    pavgb mm0, mm1
    pmovmskb eax, mm1
    EXPECT_EQ eax, 0x3F
    pextrw eax, mm1, 3
    EXPECT_EQ eax, 0x2211
    mov eax, 0xABCD1234
    pinsrw mm1, eax, 2
    movq mm0, mm1
    EXPECT_MM 0xDDCCBBAA, 0x22111234
    MM mm0, 0x00FF8001, 0xFF000000
    MM mm1, 0xFF008002, 0x01000000
    movq mm2, mm0
    psadbw mm0, mm1
    EXPECT_MM 255 + 255 + 0 + 1 + 254, 0
    movq mm0, mm2
    pmaxub mm0, mm1
    EXPECT_MM 0xFFFF8002, 0xFF000000
    movq mm0, mm2
    pminsw mm0, mm1
    EXPECT_MM 0xFF008001, 0xFF000000
    movq mm0, mm2
    pmulhuw mm0, mm1
    EXPECT_MM 0x00FE4001, 0x00FF0000
    emms
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
F1 equ 0x3F800000
F2 equ 0x40000000
F3 equ 0x40400000
F4 equ 0x40800000
FNEG equ 0x80000000
FINF equ 0x7F800000
FQNAN equ 0x7FC00000
FSNAN equ 0x7F800001
FINDEF equ 0xFFC00000

sse_arithmetic:
    GROUP "SSE arithmetic"
    MXCSR MX_MASKED
    XMM xmm0, F1, F2, F3, F4
    XMM xmm1, F4, F4, F1, F2
    movaps xmm2, xmm0
    addps xmm0, xmm1
    EXPECT_XMM 0x40A00000, 0x40C00000, F4, 0x40C00000
    movaps xmm0, xmm2
    subps xmm0, xmm1
    EXPECT_XMM 0xC0400000, 0xC0000000, F2, F2
    movaps xmm0, xmm2
    mulss xmm0, xmm1                            ; scalar: the other lanes stay
    EXPECT_XMM F4, F2, F3, F4
    movaps xmm0, xmm2
    divps xmm0, xmm1
    EXPECT_XMM 0x3E800000, 0x3F000000, F3, F2
    XMM xmm0, F4, F1, 0, 0x42C80000             ; 4 1 0 100
    sqrtps xmm0, xmm0
    EXPECT_XMM F2, F1, 0, 0x41200000
    EXPECT_MXCSR MX_MASKED
    movaps xmm0, xmm2
    cmpps xmm0, xmm1, 1                         ; less than
    EXPECT_XMM 0xFFFFFFFF, 0xFFFFFFFF, 0, 0
    movmskps eax, xmm0
    EXPECT_EQ eax, 3
    movaps xmm0, xmm2
    andnps xmm0, xmm2
    EXPECT_XMM 0, 0, 0, 0
    ; RCP and RSQRT are approximations of at least 12 bits; exact only for what is special
    XMM xmm0, F2, 0, FNEG, FINF
    rcpps xmm0, xmm0
    movups [result], xmm0
    mov eax, [result]
    sub eax, 0x3F000000
    jns .above
    neg eax
.above:
    cmp eax, 0x1800                             ; 1.5 * 2^-12, in units of the last place below 0.5
    setbe al
    movzx eax, al
    EXPECT_EQ eax, 1
    EXPECT_EQ [result + 4], FINF
    EXPECT_EQ [result + 8], FINF | FNEG
    EXPECT_EQ [result + 12], 0
    XMM xmm0, 0, FNEG, 0xBF800000, FINF
    rsqrtps xmm0, xmm0
    EXPECT_XMM FINF, FINF | FNEG, FINDEF, 0
    EXPECT_MXCSR MX_MASKED                      ; they report nothing
    ; double precision
    XMM xmm0, 0, 0x3FF80000, 0, 0x40000000      ; 1.5, 2.0
    XMM xmm1, 0, 0x3FE00000, 0, 0x40080000      ; 0.5, 3.0
    movapd xmm2, xmm0
    addpd xmm0, xmm1
    EXPECT_XMM 0, 0x40000000, 0, 0x40140000
    movapd xmm0, xmm2
    divsd xmm0, xmm1
    EXPECT_XMM 0, 0x40080000, 0, 0x40000000
    movapd xmm0, xmm2
    divpd xmm0, xmm1
    EXPECT_XMM 0, 0x40080000, 0x55555555, 0x3FE55555
    ; COMIS
    XMM xmm0, F1, 0, 0, 0
    XMM xmm1, F2, 0, 0, 0
    comiss xmm0, xmm1
    EXPECT_FLAGS FL_CF
    comiss xmm1, xmm0
    EXPECT_FLAGS 0
    ucomiss xmm0, xmm0
    EXPECT_FLAGS FL_ZF
    XMM xmm1, FQNAN, 0, 0, 0
    MXCSR MX_MASKED
    ucomiss xmm0, xmm1
    EXPECT_FLAGS FL_ZF | FL_PF | FL_CF
    EXPECT_MXCSR MX_MASKED
    comiss xmm0, xmm1
    EXPECT_MXCSR MX_MASKED | MX_IE
    ret

sse_moves:
    GROUP "SSE moves and shuffles"
    XMM xmm1, 1, 2, 3, 4
    XMM xmm2, 5, 6, 7, 8
    movaps xmm0, xmm1
    shufps xmm0, xmm2, 0b_00_11_01_10
    EXPECT_XMM 3, 2, 8, 5
    movaps xmm0, xmm1
    unpcklps xmm0, xmm2
    EXPECT_XMM 1, 5, 2, 6
    movaps xmm0, xmm1
    unpckhpd xmm0, xmm2
    EXPECT_XMM 3, 4, 7, 8
    movaps xmm0, xmm1
    movhlps xmm0, xmm2
    EXPECT_XMM 7, 8, 3, 4
    movaps xmm0, xmm1
    movlhps xmm0, xmm2
    EXPECT_XMM 1, 2, 5, 6
    movaps xmm0, xmm1
    movss xmm0, xmm2                            ; between registers: the rest stays ...
    EXPECT_XMM 5, 2, 3, 4
    movss xmm0, [operand]                       ; ... from memory it is cleared
    EXPECT_XMM 5, 0, 0, 0
    movaps xmm0, xmm1
    movsd xmm0, xmm2
    EXPECT_XMM 5, 6, 3, 4
    movsd xmm0, [operand]
    EXPECT_XMM 5, 6, 0, 0
    movaps xmm0, xmm1
    movlps xmm0, [operand + 8]
    EXPECT_XMM 7, 8, 3, 4
    movhps xmm0, [operand + 4]
    EXPECT_XMM 7, 8, 6, 7
    pshufd xmm0, xmm1, 0x1B
    EXPECT_XMM 4, 3, 2, 1
    movd xmm0, [operand]
    EXPECT_XMM 5, 0, 0, 0
    movq xmm0, xmm2
    EXPECT_XMM 5, 6, 0, 0
    movq2dq xmm0, mm0
    movdq2q mm0, xmm2
    EXPECT_MM 5, 6
    emms
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
rounding:
    GROUP "MXCSR rounding, flush to zero"
%macro THIRDS 3
    MXCSR MX_MASKED | %1
    XMM xmm0, F1, 0xBF800000, F1, F1
    XMM xmm1, F3, F3, F1, F2
    divps xmm0, xmm1
    EXPECT_XMM %2, %3, F1, 0x3F000000
    EXPECT_MXCSR MX_MASKED | %1 | MX_PE
%endmacro
    THIRDS MX_NEAREST, 0x3EAAAAAB, 0xBEAAAAAB
    THIRDS MX_DOWN, 0x3EAAAAAA, 0xBEAAAAAB
    THIRDS MX_UP, 0x3EAAAAAB, 0xBEAAAAAA
    THIRDS MX_CHOP, 0x3EAAAAAA, 0xBEAAAAAA
    ; tiny results: denormal, or zero with FTZ
    MXCSR MX_MASKED
    XMM xmm0, 0x00800000, 0, 0, 0               ; the smallest normal number, halved: exact
    XMM xmm1, 0x3F000000, 0, 0, 0
    mulss xmm0, xmm1
    EXPECT_XMM 0x00400000, 0, 0, 0
    EXPECT_MXCSR MX_MASKED
    XMM xmm0, 0x80800001, 0, 0, 0
    mulss xmm0, xmm1
    EXPECT_XMM 0x80400000, 0, 0, 0
    EXPECT_MXCSR MX_MASKED | MX_UE | MX_PE
    MXCSR MX_MASKED | MX_FTZ
    XMM xmm0, 0x80800001, 0, 0, 0
    mulss xmm0, xmm1
    EXPECT_XMM 0x80000000, 0, 0, 0              ; the sign stays
    EXPECT_MXCSR MX_MASKED | MX_FTZ | MX_UE | MX_PE
    MXCSR MX_MASKED
    ret

flags:
    GROUP "MXCSR flags"
    ; flags of all lanes are collected, and stay until they are cleared
    MXCSR MX_MASKED
    XMM xmm0, F1, 0, F1, FINF
    XMM xmm1, 0, 0, F3, FINF
    divps xmm0, xmm1
    EXPECT_XMM FINF, FINDEF, 0x3EAAAAAB, FINDEF
    EXPECT_MXCSR MX_MASKED | MX_ZE | MX_IE | MX_PE
    XMM xmm0, F1, F1, F1, F1
    addps xmm0, xmm0
    EXPECT_MXCSR MX_MASKED | MX_ZE | MX_IE | MX_PE
    MXCSR MX_MASKED
    XMM xmm0, 0x00000001, 0, 0, 0               ; a denormal operand
    XMM xmm1, F1, 0, 0, 0
    addss xmm0, xmm1
    EXPECT_MXCSR MX_MASKED | MX_DE | MX_PE
    MXCSR MX_MASKED
    XMM xmm0, 0x7F7FFFFF, 0, 0, 0
    addss xmm0, xmm0
    EXPECT_XMM FINF, 0, 0, 0
    EXPECT_MXCSR MX_MASKED | MX_OE | MX_PE
    ; the mask of what may be set is in the FXSAVE area; other bits are #GP
    MXCSR MX_MASKED
    fxsave [area]
    mov eax, [area + 28]
    not eax
    or eax, MX_MASKED
    mov [operand], eax
    FAULTS VEC_GP, 0, ldmxcsr [operand]
    EXPECT_MXCSR MX_MASKED
    ret

exceptions:
    GROUP "#XM"
    ; Invalid, denormal and zero divide are found before the operation: if one of them is unmasked, in any lane, no flag after it is set
    ; and the destination is unchanged.
    MXCSR MX_MASKED & ~(MX_ZE << 7)
    XMM xmm0, F1, F1, F1, F1
    XMM xmm1, F3, 0, F1, F1
    FAULTS VEC_XM, 0, {divps xmm0, xmm1}
    EXPECT_XMM F1, F1, F1, F1
    EXPECT_MXCSR MX_MASKED & ~(MX_ZE << 7) | MX_ZE      ; no PE from lane 0
    ; unmasked overflow, underflow, precision come after it: all flags are there, the destination still is not written
    MXCSR MX_MASKED & ~(MX_PE << 7)
    XMM xmm0, F1, F1, F1, F1
    XMM xmm1, F3, 0, F1, F1
    FAULTS VEC_XM, 0, {divps xmm0, xmm1}
    EXPECT_XMM F1, F1, F1, F1
    EXPECT_MXCSR MX_MASKED & ~(MX_PE << 7) | MX_ZE | MX_PE
    ; a flag that is already set raises nothing by itself
    MXCSR (MX_MASKED & ~(MX_ZE << 7)) | MX_ZE
    RUNS addps xmm0, xmm1
    ; scalar conversions and compares raise, too
    MXCSR MX_MASKED & ~(MX_IE << 7)
    XMM xmm0, FQNAN, 0, 0, 0
    mov eax, 0x12345678
    FAULTS VEC_XM, 0, {cvtss2si eax, xmm0}
    EXPECT_EQ eax, 0x12345678
    cmp eax, 0
    stc
    FAULTS VEC_XM, 0, {comiss xmm0, xmm0}
    mov eax, [caught.eflags]
    and eax, FL_CF
    EXPECT_EQ eax, FL_CF                        ; EFLAGS unchanged
    MXCSR MX_MASKED & ~(MX_IE << 7)
    RUNS ucomiss xmm0, xmm0
    ; moves and logic never do
    XMM xmm0, FSNAN, FSNAN, FSNAN, FSNAN
    RUNS movaps xmm1, xmm0
    RUNS xorps xmm0, xmm0
    MXCSR MX_MASKED
    ret

nans:
    GROUP "NaN and minimum rules"
    ; of two NaNs the first operand; signalling ones are made quiet; the result of an invalid operation is the negative quiet NaN
    MXCSR MX_MASKED
    XMM xmm0, FQNAN | 5, FSNAN, F1, 0xFFC00007
    XMM xmm1, FQNAN | 9, FQNAN | 9, FSNAN, F1
    addps xmm0, xmm1
    EXPECT_XMM FQNAN | 5, FQNAN | 1, FQNAN | 1, 0xFFC00007
    EXPECT_MXCSR MX_MASKED | MX_IE
    ; MIN and MAX return the second operand when either is a NaN, or both are zero
    MXCSR MX_MASKED
    XMM xmm0, FQNAN, F1, 0, FNEG
    XMM xmm1, F1, FQNAN, FNEG, 0
    movaps xmm2, xmm0
    minps xmm0, xmm1
    EXPECT_XMM F1, FQNAN, FNEG, 0
    EXPECT_MXCSR MX_MASKED | MX_IE              ; invalid for quiet NaNs as well
    movaps xmm0, xmm2
    maxps xmm0, xmm1
    EXPECT_XMM F1, FQNAN, FNEG, 0
    ; the eight compares with an unordered pair
    MXCSR MX_MASKED
    XMM xmm1, FQNAN, F1, F1, F2
    XMM xmm2, F1, F1, F2, F1
%macro CMPS 2.nolist
    movaps xmm0, xmm1
    cmpps xmm0, xmm2, %1
    movmskps eax, xmm0
    EXPECT_EQ eax, %2
%endmacro
    CMPS 0, 0b0010                              ; EQ
    CMPS 3, 0b0001                              ; UNORD
    CMPS 4, 0b1101                              ; NEQ
    CMPS 7, 0b1110                              ; ORD
    EXPECT_MXCSR MX_MASKED                      ; these four are quiet
    CMPS 1, 0b0100                              ; LT
    EXPECT_MXCSR MX_MASKED | MX_IE
    CMPS 2, 0b0110                              ; LE
    CMPS 5, 0b1011                              ; NLT
    CMPS 6, 0b1001                              ; NLE
    MXCSR MX_MASKED
    ret

conversions:
    GROUP "conversions"
    MXCSR MX_MASKED
    XMM xmm0, 0x40200000, 0xC0200000, 0x4F000000, FQNAN     ; 2.5, -2.5, 2^31, NaN
    cvtps2dq xmm0, xmm0
    EXPECT_XMM 2, -2, 0x80000000, 0x80000000
    EXPECT_MXCSR MX_MASKED | MX_IE | MX_PE
    XMM xmm0, 0x40700000, 0xC0700000, 0, 0      ; 3.75, -3.75
    cvttps2dq xmm0, xmm0
    EXPECT_XMM 3, -3, 0, 0
    MXCSR MX_MASKED | MX_UP
    XMM xmm0, 0x40200000, 0, 0, 0
    cvtss2si eax, xmm0
    EXPECT_EQ eax, 3
    cvttss2si eax, xmm0
    EXPECT_EQ eax, 2
    MXCSR MX_MASKED
    mov eax, 0x7FFFFFFF
    cvtsi2ss xmm0, eax
    EXPECT_XMM 0x4F000000, 0, 0, 0
    EXPECT_MXCSR MX_MASKED | MX_PE
    MXCSR MX_MASKED
    cvtsi2sd xmm0, eax
    EXPECT_XMM 0xFFC00000, 0x41DFFFFF, 0, 0
    EXPECT_MXCSR MX_MASKED
    cvtsd2ss xmm0, xmm0
    EXPECT_XMM 0x4F000000, 0x41DFFFFF, 0, 0
    XMM xmm0, F1, 0xC0000000, 7, 7
    cvtps2pd xmm0, xmm0
    EXPECT_XMM 0, 0x3FF00000, 0, 0xC0000000
    cvtpd2ps xmm0, xmm0                         ; the upper half is cleared
    EXPECT_XMM F1, 0xC0000000, 0, 0
    XMM xmm0, 1, -1, 0x80000000, 16777217
    MXCSR MX_MASKED
    cvtdq2ps xmm0, xmm0
    EXPECT_XMM F1, 0xBF800000, 0xCF000000, 0x4B800000
    EXPECT_MXCSR MX_MASKED | MX_PE
    XMM xmm0, 1, -1, 9, 9
    cvtdq2pd xmm0, xmm0
    EXPECT_XMM 0, 0x3FF00000, 0, 0xBFF00000
    cvtpd2dq xmm0, xmm0
    EXPECT_XMM 1, -1, 0, 0
    ; to and from MMX registers: a transition, like any MMX instruction
    fninit
    fld1
    XMM xmm1, F3, F4, 0, 0
    cvtps2pi mm0, xmm1
    EXPECT_MM 3, 4
    fnstsw ax
    and eax, 7 << 11
    EXPECT_EQ eax, 0
    emms
    MM mm1, 5, -6
    XMM xmm0, 1, 2, 3, 4
    cvtpi2ps xmm0, mm1
    EXPECT_XMM 0x40A00000, 0xC0C00000, 3, 4
    emms
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
sse2_integers:
    GROUP "SSE2 integers"
    XMM xmm0, 0xFFFFFFFF, 0, 2, 3
    XMM xmm1, 0xFFFFFFFF, 5, 3, 7
    movdqa xmm2, xmm0
    pmuludq xmm0, xmm1
    EXPECT_XMM 1, 0xFFFFFFFE, 6, 0
    movdqa xmm0, xmm2
    paddq xmm0, xmm1
    EXPECT_XMM 0xFFFFFFFE, 6, 5, 10
    movdqa xmm0, xmm2
    psubq xmm0, xmm1
    EXPECT_XMM 0, -5, -1, -5
    ; byte shifts of the whole register
    XMM xmm0, 0x33221100, 0x77665544, 0xBBAA9988, 0xFFEEDDCC
    movdqa xmm2, xmm0
    pslldq xmm0, 5
    EXPECT_XMM 0, 0x22110000, 0x66554433, 0xAA998877
    movdqa xmm0, xmm2
    psrldq xmm0, 13
    EXPECT_XMM 0x00FFEEDD, 0, 0, 0
    movdqa xmm0, xmm2
    pslldq xmm0, 16
    EXPECT_XMM 0, 0, 0, 0
    pshuflw xmm0, xmm2, 0x1B
    EXPECT_XMM 0x55447766, 0x11003322, 0xBBAA9988, 0xFFEEDDCC
    pshufhw xmm0, xmm2, 0x4E
    EXPECT_XMM 0x33221100, 0x77665544, 0xFFEEDDCC, 0xBBAA9988
    pmovmskb eax, xmm2
    EXPECT_EQ eax, 0xFF00
    movdqa xmm0, xmm2
    punpckhqdq xmm0, xmm1
    EXPECT_XMM 0xBBAA9988, 0xFFEEDDCC, 3, 7
    psraw xmm0, 15
    EXPECT_XMM 0xFFFFFFFF, 0xFFFFFFFF, 0, 0
    pcmpeqd xmm0, xmm0
    psrlq xmm0, 60
    EXPECT_XMM 15, 0, 15, 0
    movdqa xmm0, xmm2
    mov eax, 0x9876
    pinsrw xmm0, eax, 7
    EXPECT_XMM 0x33221100, 0x77665544, 0xBBAA9988, 0x9876DDCC
    pextrw eax, xmm2, 1
    EXPECT_EQ eax, 0x3322
    pxor xmm0, xmm0
    psadbw xmm0, xmm2
    EXPECT_XMM 0x00 + 0x11 + 0x22 + 0x33 + 0x44 + 0x55 + 0x66 + 0x77, 0, 0x88 + 0x99 + 0xAA + 0xBB + 0xCC + 0xDD + 0xEE + 0xFF, 0
    ret

alignment:
    GROUP "alignment"
    ; 16-byte operands must be aligned, except for the U moves; 4 and 8-byte operands need not be
    FAULTS VEC_GP, 0, {movaps xmm0, [operand + 4]}
    FAULTS VEC_GP, 0, {movapd [operand + 8], xmm0}
    FAULTS VEC_GP, 0, {movdqa xmm0, [operand + 1]}
    FAULTS VEC_GP, 0, {addps xmm0, [operand + 4]}
    FAULTS VEC_GP, 0, {pand xmm0, [operand + 8]}
    FAULTS VEC_GP, 0, {sqrtpd xmm0, [operand + 8]}
    FAULTS VEC_GP, 0, {movntps [operand + 4], xmm0}
    RUNS {movups xmm0, [operand + 1]}
    RUNS {movdqu xmm0, [operand + 3]}
    RUNS {movss xmm0, [operand + 1]}
    RUNS {addsd xmm0, [operand + 1]}
    RUNS {movlps xmm0, [operand + 1]}
    RUNS {cvtps2pd xmm0, [operand + 4]}
    RUNS {paddb mm0, [operand + 1]}
    emms
    MXCSR MX_MASKED
    ret

stores:
    GROUP "masked and streaming stores, fences"
    call setup_paging
    XMM xmm1, 0x44332211, 0x88776655, 0xCCBBAA99, 0x00FFEEDD
    XMM xmm2, 0x80008080, 0x00000000, 0x80000000, 0x00000080
    cld
    mov edi, TEST_PAGES
    mov ecx, 8
    xor eax, eax
    rep stosd
    mov edi, TEST_PAGES + 1                     ; may be unaligned
    maskmovdqu xmm1, xmm2
    EXPECT_EQ [TEST_PAGES + 1], 0x44002211
    EXPECT_EQ [TEST_PAGES + 5], 0
    EXPECT_EQ [TEST_PAGES + 9], 0xCC000000
    EXPECT_EQ [TEST_PAGES + 13], 0x000000DD
    MM mm0, 0x44332211, 0x88776655
    MM mm1, 0x00800000, 0x80000080
    mov edi, TEST_PAGES + 0x20
    mov dword [edi], 0
    mov dword [edi + 4], 0
    maskmovq mm0, mm1
    EXPECT_EQ [TEST_PAGES + 0x20], 0x00330000
    EXPECT_EQ [TEST_PAGES + 0x24], 0x88000055
    emms
    movntdq [TEST_PAGES + 0x40], xmm1
    mov eax, 0x12345678
    movnti [TEST_PAGES + 0x50], eax
    sfence
    lfence
    mfence
    EXPECT_EQ [TEST_PAGES + 0x4C], 0x00FFEEDD
    EXPECT_EQ [TEST_PAGES + 0x50], 0x12345678
    ; prefetches never fault
    RUNS prefetchnta [0xFFFFFFF0]
    RUNS prefetcht0 [0x7F000000]
    ; a 16-byte store across a missing page writes nothing
    SET_PAGE TEST_PAGES + PAGE, 0
    mov dword [TEST_PAGES + 0xFFC], 0x55555555
    TRY
.store:
    movups [TEST_PAGES + 0xFF8], xmm1
    END_TRY
    EXPECT_FAULT VEC_PF, PF_W, .store
    EXPECT_EQ [caught.cr2], TEST_PAGES + PAGE
    EXPECT_EQ [TEST_PAGES + 0xFFC], 0x55555555
    ret

save_area:
    GROUP "FXSAVE and FXRSTOR"
    ; the 512 bytes: MXCSR at 24, its mask at 28, XMM from 160
    fninit
    MXCSR MX_MASKED | MX_UP | MX_PE
    XMM xmm0, 1, 2, 3, 4
    XMM xmm7, 71, 72, 73, 74
    fxsave [area]
    EXPECT_EQ [area + 24], MX_MASKED | MX_UP | MX_PE
    EXPECT_EQ [area + 160], 1
    EXPECT_EQ [area + 172], 4
    EXPECT_EQ [area + 160 + 7 * 16 + 8], 73
    xorps xmm7, xmm7
    MXCSR MX_MASKED
    fxrstor [area]
    EXPECT_MXCSR MX_MASKED | MX_UP | MX_PE
    movaps xmm0, xmm7
    EXPECT_XMM 71, 72, 73, 74
    ; a reserved bit of MXCSR in the image: #GP, and nothing is loaded
    xorps xmm7, xmm7
    mov dword [area + 24], 0xFFFF0000
    FAULTS VEC_GP, 0, fxrstor [area]
    movaps xmm0, xmm7
    EXPECT_XMM 0, 0, 0, 0
    ; without CR4.OSFXSR it may leave out the XMM registers: it still has the x87 part
    MXCSR MX_MASKED
    ret

KERNEL_END
