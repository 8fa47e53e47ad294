; self-modifying: code that changes. The next instruction, the same block, a hot loop, the other half of an instruction on the next page,
; an alias of the page under another linear address, the same linear address on another frame, the same bytes decoded as 16 and 32-bit
; code; changed by MOV, REP, PUSH, x87 and SSE stores. For translators this is where caches are wrong.
;
; SDM volume 3A 8.1.3, 11.6. P6 and later CPUs notice stores to code through the same linear address at once, even to the next
; instruction; through an alias they want a branch and a serialising instruction first, and these tests do that.

%include "kernel.inc"
%include "paging.inc"

CODE_PAGE   equ TEST_PAGES + 0x50000        ; code is copied here; the next page too
CODE_NEXT   equ CODE_PAGE + PAGE
ALIAS       equ TEST_PAGES + 0x60000
FRAME_A     equ TEST_PAGES + 0x70000
FRAME_B     equ TEST_PAGES + 0x71000
CODE16_SEL  equ SEL_FREE

main:
    call setup_paging
    mov eax, cr4
    or eax, CR4_OSFXSR
    mov cr4, eax
    call next_instruction
    call ways_to_store
    call hot_loops
    call whole_functions
    call page_crossing
    call aliases
    call remapping
    call overlapping
    call sizes
    call mixed_data
    ret

; serialize: what software must do after a change through an alias
serialize:
    pushad
    xor eax, eax
    cpuid
    popad
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
next_instruction:
    GROUP "the next instruction, the same block"
    mov byte [.imm + 1], 0x22
.imm:
    mov al, 0x11
    movzx eax, al
    EXPECT_EQ eax, 0x22
    mov byte [.imm + 1], 0x11
    ; a few instructions ahead in a straight line
    xor ebx, ebx
    mov byte [.ahead], 0x43                 ; INC EBX for NOP
    nop
    nop
    nop
.ahead:
    nop
    EXPECT_EQ ebx, 1
    mov byte [.ahead], 0x90
    ; an instruction that changes its own bytes has been fetched already: it does what it was
    mov ecx, 2
    mov eax, 0x10
.own:
    mov byte [.own + 6], 0x55               ; the immediate of this very instruction: same value the first time
    add eax, 1
    loop .own
    EXPECT_EQ eax, 0x12
    ; a conditional branch that was taken before is turned around
    xor edx, edx
    mov ecx, 10
.loop:
    inc edx
    cmp edx, 4
    jne .skip
    mov byte [.branch], 0x74                ; JZ for JNZ
.skip:
    dec ecx
.branch:
    jnz .loop
    EXPECT_EQ edx, 4
    EXPECT_EQ ecx, 6
    mov byte [.branch], 0x75
    ret

; ways_to_store: `target` is MOV EAX, imm32; RET in a page of its own; each way writes another immediate
ways_to_store:
    GROUP "ways to store"
    mov byte [CODE_PAGE], 0xB8
    mov byte [CODE_PAGE + 5], 0xC3
    mov ebp, CODE_PAGE
    mov dword [CODE_PAGE + 1], 1
    call ebp
    EXPECT_EQ eax, 1
    mov word [CODE_PAGE + 1], 2
    call ebp
    EXPECT_EQ eax, 2
    add dword [CODE_PAGE + 1], 5
    call ebp
    EXPECT_EQ eax, 7
    mov eax, 9
    xchg [CODE_PAGE + 1], eax
    call ebp
    EXPECT_EQ eax, 9
    mov eax, 9
    mov ecx, 11
    lock cmpxchg [CODE_PAGE + 1], ecx
    call ebp
    EXPECT_EQ eax, 11
    ; PUSH with the stack in the code page
    mov ebx, esp
    mov esp, CODE_PAGE + 5
    push dword 13
    mov esp, ebx
    call ebp
    EXPECT_EQ eax, 13
    ; x87
    push dword 15
    fninit
    fild dword [esp]
    fistp dword [CODE_PAGE + 1]
    add esp, 4
    call ebp
    EXPECT_EQ eax, 15
    ; MMX, SSE; and their stores reach beyond the immediate, so put the RET where they leave it
    push dword 0xC3
    push dword 17
    movq mm0, [esp]
    add esp, 8
    movq [CODE_PAGE + 1], mm0
    emms
    call ebp
    EXPECT_EQ eax, 17
    movd xmm0, [.number]
    movss [CODE_PAGE + 1], xmm0
    call ebp
    EXPECT_EQ eax, 19
    mov eax, 21
    movnti [CODE_PAGE + 1], eax
    sfence
    call ebp
    EXPECT_EQ eax, 21
    ; REP STOS, REP MOVS
    mov edi, CODE_PAGE + 1
    mov ecx, 4
    mov al, 0x23
    cld
    rep stosb
    call ebp
    EXPECT_EQ eax, 0x23232323
    mov esi, .number
    mov edi, CODE_PAGE + 1
    mov ecx, 1
    rep movsd
    call ebp
    EXPECT_EQ eax, 19
    ; BTS with a far bit offset, SETcc
    mov eax, (CODE_PAGE + 1 - TEST_PAGES) * 8 + 8
    bts [TEST_PAGES], eax
    call ebp
    EXPECT_EQ eax, 19 + 256
    cmp eax, eax
    sete [CODE_PAGE + 1]
    call ebp
    EXPECT_EQ eax, 1 + 256
    ; a store that straddles into the page from below
    mov dword [CODE_PAGE - 3], 0xB8000000
    call ebp
    EXPECT_EQ eax, 1 + 256
    ret
section .rodata
.number: dd 19
section .text

; ---------------------------------------------------------------------------------------------------------------------------------
hot_loops:
    GROUP "hot loops"
    ; A loop is run often enough to be compiled, then its body changes while it runs.
    xor eax, eax
    mov ecx, 100000
.loop:
    cmp ecx, 30000
    jne .body
    mov byte [.body + 2], 3                 ; ADD EAX, 3 from here on
.body:
    add eax, 1
    dec ecx
    jnz .loop
    EXPECT_EQ eax, 70000 + 3 * 30000
    mov byte [.body + 2], 1
    ; the loop writes its own immediate each time round
    xor eax, eax
    mov ecx, 3000
.every:
    mov [.changing + 1], ecx
    nop
.changing:
    mov edx, 0
    add eax, edx
    dec ecx
    jnz .every
    EXPECT_EQ eax, 3000 * 3001 / 2
    ; the loop counter is far away from a neighbour that changes data in the same page all the time: no change of code
    xor eax, eax
    mov ecx, 50000
.neighbour:
    inc dword [.data]
    add eax, [.data]
    and eax, 0xFFFF
    dec ecx
    jnz .neighbour
    EXPECT_EQ [.data], 50000
    ; the end of the loop is moved: its branch becomes a fall-through
    xor eax, eax
    mov ecx, 0x7FFFFFFF
.endless:
    inc eax
    cmp eax, 20000
    jne .not_yet
    mov word [.way_out], 0x9090
.not_yet:
    dec ecx
.way_out:
    jnz .endless
    EXPECT_EQ eax, 20000
    mov word [.way_out], 0x0075 | ((.endless - .way_out_end) & 0xFF) << 8
.way_out_end equ .way_out + 2
    ret
align 4
.data: dd 0

whole_functions:
    GROUP "functions replaced"
    ; two versions of a function are copied over each other, over and over
    xor ebp, ebp
    mov edx, 500
.again:
    mov esi, .one
    mov edi, CODE_PAGE
    mov ecx, .one_end - .one
    rep movsb
    mov ebx, CODE_PAGE
    call ebx
    add ebp, eax
    mov esi, .two
    mov edi, CODE_PAGE
    mov ecx, .two_end - .two
    rep movsb
    call ebx
    add ebp, eax
    dec edx
    jnz .again
    EXPECT_EQ ebp, 500 * (1 + 20)
    ; a callee rewrites its caller: the instruction behind the CALL
    mov byte [.behind + 1], 5
    call .rewrite
.behind:
    mov al, 5
    movzx eax, al
    EXPECT_EQ eax, 9
    ; a callee whose code is overwritten while it is on the call chain
    mov esi, .outer
    mov edi, CODE_PAGE
    mov ecx, .outer_end - .outer
    rep movsb
    mov eax, CODE_PAGE
    call eax
    EXPECT_EQ eax, 0x77
    ret
.one:
    mov eax, 1
    ret
.one_end:
.two:
    mov eax, 10
    lea eax, [eax * 2]
    ret
.two_end:
.rewrite:
    mov byte [.behind + 1], 9
    ret
.outer:
    mov eax, .inner
    call eax
    mov al, 0x11                            ; .inner makes this 77h
    movzx eax, al
    ret
.outer_end:
.inner:
    mov byte [CODE_PAGE + 8], 0x77
    ret

page_crossing:
    GROUP "instructions across pages"
    ; MOV EAX, imm32 whose immediate lies in the next page
    mov byte [CODE_NEXT - 1], 0xB8
    mov dword [CODE_NEXT], 0x11111111
    mov byte [CODE_NEXT + 4], 0xC3
    mov ebx, CODE_NEXT - 1
    call ebx
    EXPECT_EQ eax, 0x11111111
    mov dword [CODE_NEXT], 0x22222222       ; only the second page is written
    call ebx
    EXPECT_EQ eax, 0x22222222
    mov byte [CODE_NEXT - 1], 0xB9          ; only the first: MOV ECX
    xor ecx, ecx
    call ebx
    EXPECT_EQ ecx, 0x22222222
    ; the second page is another frame
    mov byte [CODE_NEXT - 1], 0xB8
    mov dword [FRAME_B], 0x33333333
    mov byte [FRAME_B + 4], 0xC3
    MAP_PAGE CODE_NEXT, FRAME_B, PAGE_RW
    call ebx
    EXPECT_EQ eax, 0x33333333
    SET_PAGE CODE_NEXT, PAGE_RW
    call ebx
    EXPECT_EQ eax, 0x22222222
    ; a store that faults on its second page changed nothing of the code in its first
    mov ebx, CODE_NEXT - 6
    mov dword [CODE_NEXT - 6], 0x00444AB8   ; MOV EAX, imm32
    mov word [CODE_NEXT - 2], 0xC300
    call ebx
    EXPECT_EQ eax, 0x444A
    SET_PAGE CODE_NEXT, 0
    TRY
    mov [CODE_NEXT - 3], eax
    END_TRY
    SET_PAGE CODE_NEXT, PAGE_RW
    EXPECT_FAULT VEC_PF
    call ebx
    EXPECT_EQ eax, 0x444A
    ret

aliases:
    GROUP "aliases"
    ; ALIAS is the same frame as CODE_PAGE
    MAP_PAGE ALIAS, CODE_PAGE, PAGE_RW
    mov dword [CODE_PAGE], 0x000001B8
    mov word [CODE_PAGE + 4], 0xC300
    mov ebx, CODE_PAGE
    mov ebp, ALIAS
    call ebx
    EXPECT_EQ eax, 1
    call ebp
    EXPECT_EQ eax, 1
    mov dword [ALIAS + 1], 2                ; written here, run there
    call serialize
    call ebx
    EXPECT_EQ eax, 2
    mov dword [CODE_PAGE + 1], 3
    call serialize
    call ebp
    EXPECT_EQ eax, 3
    ; often, in a loop
    xor esi, esi
    mov edi, 1000
.loop:
    mov [ALIAS + 1], edi
    call serialize
    call ebx
    add esi, eax
    dec edi
    jnz .loop
    EXPECT_EQ esi, 1000 * 1001 / 2
    ; through a mapping that is not executable from ring 3, nor writable at first: rights are of the mapping, the frame is what counts
    SET_PAGE CODE_PAGE, PTE_P
    mov dword [ALIAS + 1], 4
    call serialize
    call ebx
    EXPECT_EQ eax, 4
    SET_PAGE CODE_PAGE, PAGE_RW
    SET_PAGE ALIAS, PAGE_RW
    ret

remapping:
    GROUP "one address, two frames"
    mov dword [FRAME_A], 0x00000AB8
    mov word [FRAME_A + 4], 0xC300
    mov dword [FRAME_B], 0x00000BB8
    mov word [FRAME_B + 4], 0xC300
    mov ebx, ALIAS
    xor esi, esi
    mov edi, 500
.loop:
    MAP_PAGE ALIAS, FRAME_A, PAGE_RW
    call ebx
    add esi, eax
    MAP_PAGE ALIAS, FRAME_B, PAGE_RW
    call ebx
    add esi, eax
    dec edi
    jnz .loop
    EXPECT_EQ esi, 500 * (0xA + 0xB)
    ; a frame changes while it is not mapped there
    MAP_PAGE ALIAS, FRAME_A, PAGE_RW
    mov dword [FRAME_B + 1], 0xC
    MAP_PAGE ALIAS, FRAME_B, PAGE_RW
    call serialize
    call ebx
    EXPECT_EQ eax, 0xC
    ; by a whole new CR3 instead of INVLPG
    mov dword [page_tables + (ALIAS >> 12) * 4], FRAME_A | PAGE_RW
    mov eax, cr3
    mov cr3, eax
    call ebx
    EXPECT_EQ eax, 0xA
    SET_PAGE ALIAS, PAGE_RW
    ret

overlapping:
    GROUP "overlapping instructions"
    ; B8 05 40 40 C3 C3: from its first byte MOV EAX, C3404005h; from the second ADD EAX, C3C34040h ... two readings of one place
    mov dword [CODE_PAGE], 0x404005B8
    mov dword [CODE_PAGE + 4], 0x90C3C3C3
    mov ebx, CODE_PAGE
    call ebx
    EXPECT_EQ eax, 0xC3404005
    mov eax, 0
    lea ebx, [ebx + 2]                      ; 40 40 C3: INC EAX twice
    call ebx
    EXPECT_EQ eax, 2
    mov byte [CODE_PAGE + 3], 0x48          ; DEC EAX: both readings change
    call ebx
    EXPECT_EQ eax, 2
    mov ebx, CODE_PAGE
    call ebx
    EXPECT_EQ eax, 0xC3484005
    ret

sizes:
    GROUP "the same bytes as 16 and 32-bit code"
    ; B8 imm16 / imm32: in 16-bit code 34 12 is the immediate, and 40 (INC AX) and CB (RETF) follow
    SET_DESC CODE16_SEL, CODE_PAGE, 0xFFFF, ACC_P | ACC_CODE | ACC_READ, 0
    mov esi, .bytes
    mov edi, CODE_PAGE
    mov ecx, .bytes_end - .bytes
    rep movsb
    mov edx, 3
.again:
    mov eax, 0xAAAA0000
    push cs
    call .call32
    EXPECT_EQ eax, 0x66401234
    mov eax, 0xAAAA0000
    call CODE16_SEL:0                       ; pushes 32 bits: the 16-bit code returns with a 32-bit RETF
    EXPECT_EQ eax, 0xAAAA1235
    dec edx
    jnz .again
    ret
.call32:
    jmp SEL_CODE:CODE_PAGE
.bytes:
    db 0xB8, 0x34, 0x12, 0x40, 0x66, 0xCB   ; 32: MOV EAX, 66401234h; RETF    16: MOV AX, 1234h; INC AX; O32 RETF
.bytes_end:

mixed_data:
    GROUP "data between code"
    ; counters in the same cache line and page as the code that counts them
    mov esi, .code
    mov edi, CODE_PAGE
    mov ecx, .code_end - .code
    rep movsb
    mov ebx, CODE_PAGE
    mov ecx, 20000
.loop:
    call ebx
    dec ecx
    jnz .loop
    EXPECT_EQ [CODE_PAGE + .counter - .code], 20000
    ; and one page of nothing but such functions, each called, each changed once
    mov edi, CODE_PAGE
    mov ecx, PAGE / 8
.fill:
    mov dword [edi], 0x000001B8
    mov dword [edi + 4], 0x9090C300
    add edi, 8
    loop .fill
    xor esi, esi
    mov ebx, CODE_PAGE
    mov ecx, PAGE / 8
.run:
    call ebx
    add esi, eax
    mov dword [ebx + 1], 2
    call ebx
    add esi, eax
    add ebx, 8
    loop .run
    EXPECT_EQ esi, 3 * PAGE / 8
    ret
.code:
    inc dword [CODE_PAGE + .counter - .code]
    ret
align 4, db 0x90
.counter:
    dd 0
.code_end:

KERNEL_END
