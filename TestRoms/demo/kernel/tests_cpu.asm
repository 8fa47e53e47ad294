; The tests of the processor. SDM volume 1 chapters 3 to 7, volume 3 chapters 4 to 6 and 17.

EFLAGS_CF       equ 1 << 0
EFLAGS_PF       equ 1 << 2
EFLAGS_AF       equ 1 << 4
EFLAGS_ZF       equ 1 << 6
EFLAGS_SF       equ 1 << 7
EFLAGS_TF       equ 1 << 8
EFLAGS_OF       equ 1 << 11
EFLAGS_STATUS   equ EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF

; FLAGS expected: compares the status flags.
%macro FLAGS 1
    pushfd
    pop edx
    and edx, EFLAGS_STATUS
    cmp edx, %1
    EXPECT e
%endmacro

test_arithmetic:
    mov eax, 0x7FFFFFFF                 ; the largest number and one is the smallest: overflow without carry
    add eax, 1
    FLAGS EFLAGS_OF | EFLAGS_SF | EFLAGS_AF | EFLAGS_PF
    mov al, 0xFF
    add al, 1
    FLAGS EFLAGS_CF | EFLAGS_ZF | EFLAGS_AF | EFLAGS_PF
    mov ax, 0x8000
    sub ax, 1
    FLAGS EFLAGS_OF | EFLAGS_AF | EFLAGS_PF
    xor eax, eax
    cmp eax, 1
    FLAGS EFLAGS_CF | EFLAGS_SF | EFLAGS_AF | EFLAGS_PF
    stc                                 ; INC leaves the carry as it is
    inc eax
    EXPECT c
    mov eax, 0xFFFFFFFF                 ; 64 bits in two halves
    mov edx, 1
    add eax, 2
    adc edx, 0
    cmp eax, 1
    EXPECT e
    cmp edx, 2
    EXPECT e
    sub eax, 2
    sbb edx, 0
    cmp edx, 1
    EXPECT e
    mov al, 0x38                        ; decimal: 38 + 45 = 83
    add al, 0x45
    daa
    cmp al, 0x83
    EXPECT e
    sub al, 0x45
    das
    cmp al, 0x38
    EXPECT e
    mov ax, 0x0507                      ; 57 as two digits
    aad
    cmp al, 57
    EXPECT e
    aam
    cmp ax, 0x0507
    EXPECT e
    mov eax, 0x80000000
    neg eax
    EXPECT o
    mov al, 0x80
    movsx eax, al
    cmp eax, -128
    EXPECT e
    lea eax, [eax + eax * 4 + 640]
    test eax, eax
    EXPECT z
    ret

test_division:
    mov eax, 0x12345678
    mov ecx, 0x9ABCDEF0
    mul ecx
    cmp edx, 0x0B00EA4E
    EXPECT e
    cmp eax, 0x242D2080
    EXPECT e
    div ecx
    cmp eax, 0x12345678
    EXPECT e
    test edx, edx
    EXPECT z
    mov eax, -7                         ; division rounds to zero, the remainder has the dividend's sign
    cdq
    mov ecx, 2
    idiv ecx
    cmp eax, -3
    EXPECT e
    cmp edx, -1
    EXPECT e
    imul eax, eax, 0x40000000
    EXPECT o
    xor ecx, ecx
    FAULT 0, div ecx                    ; by zero
    mov edx, 1
    xor eax, eax
    mov ecx, 1
    FAULT 0, div ecx                    ; the quotient has 33 bits
    mov eax, 0x80000000
    cdq
    mov ecx, -1
    FAULT 0, idiv ecx                   ; 80000000h has no positive
    ret

test_bits:
    mov eax, 0x00F00000
    bsf ecx, eax
    cmp ecx, 20
    EXPECT e
    bsr ecx, eax
    cmp ecx, 23
    EXPECT e
    xor edx, edx
    bsf ecx, edx
    EXPECT z
    bt eax, 21
    EXPECT c
    btr eax, 21
    btc eax, 0
    bts eax, 31
    cmp eax, 0x80D00001
    EXPECT e
    mov dword [test_words], 0
    mov dword [test_words + 4], 0
    mov ecx, 35                         ; in memory a bit number reaches beyond the word
    bts [test_words], ecx
    cmp dword [test_words + 4], 8
    EXPECT e
    mov eax, 0x12345678
    mov edx, 0x9ABCDEF0
    shld eax, edx, 8
    cmp eax, 0x3456789A
    EXPECT e
    shrd eax, edx, 4
    cmp eax, 0x03456789
    EXPECT e
    mov eax, 0x80000001
    rol eax, 4
    cmp eax, 0x18
    EXPECT e
    stc
    rcr eax, 1
    cmp eax, 0x8000000C
    EXPECT e
    mov cl, 33                          ; the count is taken modulo 32
    shl eax, cl
    cmp eax, 0x18
    EXPECT e
    mov eax, -5
    sar eax, 1
    cmp eax, -3
    EXPECT e
    mov eax, 0x11223344
    bswap eax
    cmp eax, 0x44332211
    EXPECT e
    mov ecx, 5
    mov dword [test_words], 7
    lock xadd [test_words], ecx
    cmp ecx, 7
    EXPECT e
    mov eax, 12
    mov ecx, 99
    lock cmpxchg [test_words], ecx
    EXPECT z
    cmp dword [test_words], 99
    EXPECT e
    lock cmpxchg [test_words], ecx      ; 12 is not there any more: EAX gets what is
    EXPECT nz
    cmp eax, 99
    EXPECT e
    stc
    setc al
    cmp al, 1
    EXPECT e
    FAULT 5, bound ecx, [test_bounds]   ; 99 is not between 1 and 10
    ret

test_strings:
    mov edi, test_buffer
    mov ecx, 64
    xor eax, eax
.fill:
    stosb
    inc eax
    loop .fill
    mov esi, test_buffer                ; forwards over itself by one byte repeats the first one
    mov edi, test_buffer + 1
    mov ecx, 15
    rep movsb
    cmp dword [test_buffer + 12], 0
    EXPECT e
    cmp byte [test_buffer + 16], 16
    EXPECT e
    std                                 ; backwards it moves the block
    mov esi, test_buffer + 62
    mov edi, test_buffer + 63
    mov ecx, 32
    rep movsb
    cld
    cmp byte [test_buffer + 63], 62
    EXPECT e
    cmp byte [test_buffer + 32], 31
    EXPECT e
    mov edi, test_buffer
    mov ecx, 64
    mov al, 20
    repne scasb
    EXPECT e
    cmp edi, test_buffer + 21
    EXPECT e
    mov esi, test_buffer
    mov edi, test_buffer
    mov ecx, 16
    repe cmpsd
    EXPECT e
    test ecx, ecx
    EXPECT z
    repe cmpsd                          ; a count of zero compares nothing and leaves the flags
    EXPECT z
    ret

test_newer:
    NEEDS FEATURE_CX8
    mov eax, 1
    mov edx, 2
    mov [test_words], eax
    mov [test_words + 4], edx
    mov ebx, 3
    mov ecx, 4
    lock cmpxchg8b [test_words]
    EXPECT z
    cmp dword [test_words + 4], 4
    EXPECT e
    test dword [cpu_features], FEATURE_CMOV
    jz .no_cmov
    xor eax, eax
    mov ecx, 7
    test eax, eax
    cmovz eax, ecx
    cmovnz eax, edx
    cmp eax, 7
    EXPECT e
.no_cmov:
    test dword [cpu_features], FEATURE_TSC
    jz .done
    rdtsc
    mov ebx, eax
    mov ecx, edx
    call wait_for_tick
    rdtsc
    sub eax, ebx
    sbb edx, ecx
    EXPECT nc
    or eax, edx
    EXPECT nz
.done:
    ret

test_segments:
    xor eax, eax
    mov fs, eax                         ; selector 0 may be loaded, but not used
    FAULT 13, mov al, [fs:0]
    cmp dword [trap_error], 0
    EXPECT e
    mov eax, 0x0800                     ; beyond the table
    FAULT 13, mov fs, eax
    cmp dword [trap_error], 0x0800
    EXPECT e
    mov eax, KERNEL_CODE                ; code is not for the stack
    FAULT 13, mov ss, eax
    mov eax, USER_DATA
    FAULT 13, mov ss, eax
    ret

test_paging:
    call frame_alloc
    EXPECT nc
    mov edi, eax                        ; a frame at two addresses: here and at PAGE_TEST
    mov ebx, [kernel_directory]
    mov edx, PAGE_TEST
    or eax, PAGE_PRESENT
    call map_page
    EXPECT nc
    call page_entry
    test al, PAGE_ACCESSED | PAGE_DIRTY
    EXPECT z
    mov dword [edi], 'page'
    cmp dword [edx], 'page'
    EXPECT e
    call page_entry
    and al, PAGE_ACCESSED | PAGE_DIRTY  ; read
    cmp al, PAGE_ACCESSED
    EXPECT e
    FAULT 14, mov dword [PAGE_TEST + 8], 1 ; read-only: present, write
    cmp dword [trap_error], 3
    EXPECT e
    cmp dword [trap_address], PAGE_TEST + 8
    EXPECT e
    or dword [esi], PAGE_WRITE
    invlpg [edx]
    mov dword [edx], 'more'
    cmp dword [edi], 'more'
    EXPECT e
    call page_entry
    test al, PAGE_DIRTY
    EXPECT nz
    mov dword [esi], 0
    invlpg [edx]
    FAULT 14, mov eax, [PAGE_TEST]      ; not present, read
    cmp dword [trap_error], 0
    EXPECT e
    FAULT 14, mov [PAGE_TEST], eax      ; not present, write
    cmp dword [trap_error], 2
    EXPECT e
    mov eax, edi
    call frame_free
    FAULT 14, mov eax, [0]              ; the null pointer
    FAULT 14, mov byte [kernel_start], 0 ; the kernel's own code
    cmp dword [trap_error], 3
    EXPECT e
    mov eax, PAGE_TEST                  ; an instruction that crosses into what is not there is restarted as a whole
    FAULT 14, call eax
    ret
PAGE_TEST equ 0xBF000000

; What ring 3 must not do. Each piece of code runs as a program of its own.
test_privileges:
    mov byte [trap_quiet], 1
    mov esi, .good
    call test_user
    cmp eax, 42
    EXPECT e
    mov esi, .pieces
.next:
    push esi
    mov eax, [esi + 4]
    mov [test_expected], eax
    mov eax, [esi + 8]
    mov [test_expected + 4], eax
    mov esi, [esi]
    call test_user
    pop esi
    cmp eax, -1
    EXPECT e
    mov eax, [trap_vector]
    cmp eax, [test_expected]
    EXPECT e
    mov eax, [trap_error]
    cmp eax, [test_expected + 4]
    EXPECT e
    add esi, 12
    cmp dword [esi], 0
    jne .next
    mov byte [trap_quiet], 0
    ret
.good:
    mov eax, 5
    int SYSTEM_CALL
    mov ebx, 42
    xor eax, eax
    int SYSTEM_CALL
.cli:
    cli
.hlt:
    hlt
.port:
    in al, 0x60
.register:
    mov eax, cr0
.gate:
    int YIELD
.read:
    mov eax, [kernel_directory]
.write:
    mov [kernel_directory], eax
.null:
    mov eax, [0]
.jump:
    mov eax, kernel_start
    jmp eax
.segment:
    mov eax, KERNEL_DATA
    mov ds, eax
    section .data
    align 4, db 0
.pieces:                                ; code, vector, error code
    dd .cli, 13, 0
    dd .hlt, 13, 0
    dd .port, 13, 0
    dd .register, 13, 0
    dd .gate, 13, YIELD * 8 + 2         ; an entry of the IDT
    dd .read, 14, 5                     ; present, user
    dd .write, 14, 7                    ; present, write, user
    dd .null, 14, 4
    dd .jump, 14, 5
    dd .segment, 13, KERNEL_DATA
    dd 0
    section .text

; test_user_start: ESI = code: starts a copy of it as a program. Returns EDI = its task. test_user: the same, waits for its end, and returns EAX = its
; exit code.
test_user_start:
    push eax
    push ebx
    push ecx
    push edx
    push esi
    call directory_create
    EXPECT nc
    mov ebx, eax
    call frame_alloc
    EXPECT nc
    mov edi, eax
    push edi
    mov ecx, 512                        ; more than any of them has
    rep movsb
    pop eax
    or eax, PAGE_PRESENT | PAGE_WRITE | PAGE_USER
    mov edx, USER_START
    call map_page
    EXPECT nc
    call frame_alloc
    EXPECT nc
    or eax, PAGE_PRESENT | PAGE_WRITE | PAGE_USER
    mov edx, USER_STACK_TOP - PAGE
    call map_page
    EXPECT nc
    mov eax, ebx
    mov esi, .name
    call task_create_user
    EXPECT nc
    pop esi
    pop edx
    pop ecx
    pop ebx
    pop eax
    ret
.name: db "test", 0

test_user:
    push edi
    call test_user_start
    call test_user_end
    pop edi
    ret

test_user_end:                          ; EDI = task. Returns EAX = its exit code
    push ecx
    mov ecx, [ticks]
    add ecx, 5 * TICKS_PER_SECOND
.wait:
    cmp dword [edi + Task.state], TASK_ENDED
    je .ended
    cmp ecx, [ticks]
    EXPECT ne
    mov eax, 1
    call task_sleep
    jmp .wait
.ended:
    mov eax, [edi + Task.exit_code]
    call task_reap
    pop ecx
    ret

test_debug:
    pushfd
    pop eax
    or eax, EFLAGS_TF
    xor ecx, ecx
    mov edx, dr6
    and edx, ~0xE00F
    mov dr6, edx
    mov dword [trap_vector], -1
    mov dword [trap_resume], .stepped
    push eax
    popfd
    inc ecx                             ; the trap comes behind this one
    inc ecx
.stepped:
    pushfd
    and dword [esp], ~EFLAGS_TF
    popfd
    cmp dword [trap_vector], 1
    EXPECT e
    cmp ecx, 1
    EXPECT e
    mov eax, dr6
    test eax, 1 << 14                   ; BS: single step
    EXPECT nz
    FAULT 3, int3
    mov dword [test_words], 0
    mov eax, test_words                 ; a breakpoint for writes to four bytes
    mov dr0, eax
    mov eax, 0x000D0001
    mov dr7, eax
    mov eax, [test_words]               ; reading is no writing
    mov dword [trap_vector], -1
    mov dword [trap_resume], .written
    mov dword [test_words], 5
    nop
.written:
    mov dword [trap_resume], 0
    xor eax, eax
    mov dr7, eax
    cmp dword [trap_vector], 1
    EXPECT e
    cmp dword [test_words], 5           ; a trap: the write has happened
    EXPECT e
    mov eax, dr6
    test al, 1
    EXPECT nz
    ret

test_self_modifying:
    mov edi, test_code                  ; MOV EAX, n; RET
    mov byte [edi], 0xB8
    mov byte [edi + 5], 0xC3
    xor ecx, ecx
.next:
    mov [edi + 1], ecx
    call edi
    cmp eax, ecx
    EXPECT e
    inc ecx
    cmp ecx, 200
    jb .next
    mov esi, .changing                  ; code that changes the instruction behind itself: after the store comes the changed one
    mov ecx, .changing_end - .changing
    rep movsb
    xor eax, eax
    call test_code
    cmp eax, 0x55
    EXPECT e
    mov edi, test_code + PAGE - 3       ; code across the end of a page, the second half changed
    mov byte [edi], 0xB8
    mov dword [edi + 1], 1
    mov byte [edi + 5], 0xC3
    call edi
    mov dword [edi + 1], 0x01020304
    call edi
    cmp eax, 0x01020304
    EXPECT e
    ret
.changing:
    call .here
.here:
    pop edx
    mov byte [edx + .patched - .here + 1], 0x55
.patched:
    mov al, 0x11
    ret
.changing_end:

; Three programs at once, each with x87 values of its own that must outlive the others' turns.
test_tasks:
    mov eax, [fpu_switches]
    mov [test_words], eax
    xor ebx, ebx
.start:
    mov esi, .program
    call test_user_start
    mov [test_buffer + ebx * 4], edi
    inc ebx
    cmp ebx, 3
    jb .start
    xor ebx, ebx
.end:
    mov edi, [test_buffer + ebx * 4]
    call test_user_end
    cmp eax, 5050                       ; 1 + 2 + ... + 100
    EXPECT e
    inc ebx
    cmp ebx, 3
    jb .end
    mov eax, [fpu_switches]
    sub eax, [test_words]
    cmp eax, 6
    EXPECT ae
    ret
.program:
    fldz
    mov esi, 1
.add:
    push esi
    fiadd dword [esp]
    pop esi
    test esi, 31
    jnz .no_sleep
    mov eax, 3                          ; one hundredth of a second
    mov ebx, 1
    int SYSTEM_CALL
.no_sleep:
    mov eax, 4                          ; give way
    int SYSTEM_CALL
    inc esi
    cmp esi, 100
    jbe .add
    push eax
    fistp dword [esp]
    pop ebx
    xor eax, eax
    int SYSTEM_CALL

    section .data
    align 4, db 0
test_bounds: dd 1, 10
    section .bss
    alignb 16
test_buffer: resb 256
test_words: resd 2
test_expected: resd 2
    alignb 4096
test_code: resb 2 * 4096
    section .text
