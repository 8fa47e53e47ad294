; Paging. SDM volume 3, chapter 4, "32-bit paging".
;
; CR3 points to a page directory of 1024 entries, each to a page table of 1024 entries, each to a frame, a page of 4 KiB of memory. Bits 31-22 of an
; address choose in the directory, 21-12 in the table. The entries' low bits say what is allowed; both levels must allow it.
;
;   00000000-003FFFFF  the first 4 MiB of memory, at their own addresses, for the kernel alone. Page 0 is not there, so that a null pointer faults;
;                      the kernel's code is read-only
;   08000000-BFFFFFFF  the program: code and data at the start, the stack at the end. Every program has its own directory
;   C0000000-FFFFFFFF  the window: device memory, tables of the firmware and high memory, mapped when needed
;
; Frames for tables, stacks and programs all come from the first 4 MiB, where the kernel reaches them without mapping them first. That is enough for a
; system of this size, and keeps it simple: it runs with 4 MiB, and what there is above is for the memory test.

PAGE            equ 4096
PAGE_PRESENT    equ 1
PAGE_WRITE      equ 2
PAGE_USER       equ 4
PAGE_UNCACHED   equ 0x18                ; PCD and PWT: for device memory
PAGE_ACCESSED   equ 0x20
PAGE_DIRTY      equ 0x40

LOW_END         equ 0x400000
USER_START      equ 0x08000000
USER_STACK_TOP  equ 0xBFFFF000
WINDOW          equ 0xC0000000

CR0_PG          equ 1 << 31

; ---- Frames: one bit each, 1 when taken ------------------------------------------------------------------------------------------------------------
frames_init:
    mov edi, frame_map
    mov eax, -1
    mov ecx, LOW_END / PAGE / 32
    rep stosd
    mov esi, boot_info + BootInfo.map   ; the range of RAM that begins at 1 MiB or below and holds the kernel
    mov ecx, [boot_info + BootInfo.map_count]
    mov edx, 0x200000                   ; without a map: 2 MiB
.range:
    jecxz .found
    cmp dword [esi + 16], 1             ; type 1: RAM
    jne .next
    cmp dword [esi + 4], 0
    jne .next
    mov eax, [esi]
    cmp eax, KERNEL_ADDRESS
    ja .next
    add eax, [esi + 8]
    jc .large
    cmp eax, KERNEL_ADDRESS
    jbe .next
    mov edx, eax
    jmp .found
.large:
    mov edx, LOW_END
    jmp .found
.next:
    add esi, 24
    dec ecx
    jmp .range
.found:
    cmp edx, LOW_END
    jbe .below
    mov edx, LOW_END
.below:
    shr edx, 12
    mov ecx, kernel_end
    add ecx, PAGE - 1
    shr ecx, 12
.free:
    cmp ecx, edx
    jae .done
    btr [frame_map], ecx
    inc dword [frames_free]
    inc ecx
    jmp .free
.done:
    ret

; frame_alloc: returns EAX = a frame, filled with zeros. Carry set: there is none.
frame_alloc:
    pushfd
    cli
    push ecx
    push edi
    xor edi, edi
.word:
    mov eax, [frame_map + edi * 4]
    not eax
    bsf eax, eax
    jnz .found
    inc edi
    cmp edi, LOW_END / PAGE / 32
    jb .word
    pop edi
    pop ecx
    popfd
    stc
    ret
.found:
    shl edi, 5
    add eax, edi
    bts [frame_map], eax
    dec dword [frames_free]
    shl eax, 12
    push eax
    mov edi, eax
    xor eax, eax
    mov ecx, PAGE / 4
    cld
    rep stosd
    pop eax
    pop edi
    pop ecx
    popfd
    clc
    ret

; frame_free: EAX = frame.
frame_free:
    push eax
    shr eax, 12
    btr [frame_map], eax
    inc dword [frames_free]
    pop eax
    ret

; ---- The kernel's tables ---------------------------------------------------------------------------------------------------------------------------
paging_init:
    call frame_alloc
    mov [kernel_directory], eax
    mov ebx, eax
    call frame_alloc
    mov edi, eax
    or eax, PAGE_PRESENT | PAGE_WRITE
    mov [ebx], eax
    mov ecx, 1
.page:                                  ; page 0 stays absent
    mov eax, ecx
    shl eax, 12
    or eax, PAGE_PRESENT | PAGE_WRITE
    cmp eax, kernel_start
    jb .writable
    cmp eax, text_end
    jae .writable
    and eax, ~PAGE_WRITE
.writable:
    mov [edi + ecx * 4], eax
    inc ecx
    cmp ecx, 1024
    jb .page
    mov dword [window_next], WINDOW
    mov cr3, ebx
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    jmp .on                             ; a branch, as the manual of the 386 asks for
.on:
    ret

; map_page: EBX = directory, EDX = address, EAX = frame and flags. Makes the page table when it is missing. Carry set: no memory.
map_page:
    push esi
    push edi
    mov esi, edx
    shr esi, 22
    mov edi, [ebx + esi * 4]
    test edi, PAGE_PRESENT
    jnz .table
    push eax
    call frame_alloc
    mov edi, eax
    pop eax
    jc .done
    or edi, PAGE_PRESENT | PAGE_WRITE | PAGE_USER ; the pages' own entries decide
    mov [ebx + esi * 4], edi
.table:
    and edi, -PAGE
    mov esi, edx
    shr esi, 12
    and esi, 1023
    mov [edi + esi * 4], eax
    invlpg [edx]
    clc
.done:
    pop edi
    pop esi
    ret

; page_entry: EBX = directory, EDX = address. Returns EAX = the page's entry, 0 when there is none, ESI = the address of the entry.
page_entry:
    mov esi, edx
    shr esi, 22
    mov eax, [ebx + esi * 4]
    test al, PAGE_PRESENT
    jz .absent
    and eax, -PAGE
    mov esi, edx
    shr esi, 12
    and esi, 1023
    lea esi, [eax + esi * 4]
    mov eax, [esi]
    ret
.absent:
    xor eax, eax
    ret

; window_map: EAX = physical address, ECX = bytes. Returns EAX = where they are to be found from now on, uncached. What was mapped before is found
; again; nothing is ever unmapped. To be called by kernel tasks only: the directories of programs that run already do not get new tables.
; Carry set: no memory.
window_map:
    push ebx
    push ecx
    push edx
    push esi
    push edi
    lea edx, [eax + ecx - 1]
    cmp edx, LOW_END                    ; below 4 MiB everything is there anyway, but for page 0
    jb .found
    mov esi, windows
    mov edi, [window_count]
.known:
    test edi, edi
    jz .new
    dec edi
    mov ebx, eax
    sub ebx, [esi]                      ; offset into this window
    jb .other
    cmp edx, [esi + 4]
    ja .other
    mov eax, ebx
    add eax, [esi + 8]
    jmp .found
.other:
    add esi, 12
    jmp .known
.new:
    cmp dword [window_count], WINDOWS
    jae .none
    mov edi, eax
    and edi, -PAGE
    mov [esi], edi
    or edx, PAGE - 1
    mov [esi + 4], edx
    mov ecx, [window_next]
    mov [esi + 8], ecx
    inc dword [window_count]
    and eax, PAGE - 1
    add eax, ecx
    push eax
    mov ebx, [kernel_directory]
    xchg ecx, edx                       ; EDX = address in the window, ECX = last byte
.page:
    mov eax, edi
    or eax, PAGE_PRESENT | PAGE_WRITE | PAGE_UNCACHED
    call map_page
    jc .no_table
    add edx, PAGE
    add edi, PAGE
    jz .mapped                          ; the end of the address space
    cmp edi, ecx
    jb .page
.mapped:
    mov [window_next], edx
    pop eax
.found:
    clc
.done:
    pop edi
    pop esi
    pop edx
    pop ecx
    pop ebx
    ret
.no_table:
    pop eax
    dec dword [window_count]
.none:
    stc
    jmp .done

; ---- The tables of a program -----------------------------------------------------------------------------------------------------------------------
; directory_create: returns EAX = a directory with the kernel's part and nothing else. Carry set: no memory.
directory_create:
    call frame_alloc
    jc .done
    pushad
    mov esi, [kernel_directory]
    mov edi, eax
    mov ecx, [esi]
    mov [edi], ecx
    add esi, (WINDOW >> 22) * 4
    add edi, (WINDOW >> 22) * 4
    mov ecx, 1024 - (WINDOW >> 22)
    rep movsd
    popad
    clc
.done:
    ret

; directory_free: EAX = a program's directory, which is not in use; frees its pages, its tables and itself.
directory_free:
    pushad
    mov ebp, eax
    mov edi, USER_START >> 22
.table:
    mov esi, [ebp + edi * 4]
    test esi, PAGE_PRESENT
    jz .next
    and esi, -PAGE
    xor ecx, ecx
.page:
    mov eax, [esi + ecx * 4]
    test al, PAGE_PRESENT
    jz .no_page
    and eax, -PAGE
    call frame_free
.no_page:
    inc ecx
    cmp ecx, 1024
    jb .page
    mov eax, esi
    call frame_free
.next:
    inc edi
    cmp edi, WINDOW >> 22
    jb .table
    mov eax, ebp
    call frame_free
    popad
    ret

; user_range: EDX = address, ECX = bytes. Carry set unless all of it belongs to the current program: what a system call gets must be looked at.
user_range:
    pushad
    cmp edx, USER_START
    jb .bad
    add ecx, edx
    jc .bad
    cmp ecx, USER_STACK_TOP
    ja .bad
    mov ebx, cr3
.page:
    cmp edx, ecx
    jae .good
    call page_entry
    and al, PAGE_PRESENT | PAGE_USER
    cmp al, PAGE_PRESENT | PAGE_USER
    jne .bad
    and edx, -PAGE
    add edx, PAGE
    jmp .page
.good:
    popad
    clc
    ret
.bad:
    popad
    stc
    ret

WINDOWS equ 24
    section .bss
    alignb 4
kernel_directory: resd 1
frames_free: resd 1
frame_map: resb LOW_END / PAGE / 8
window_next: resd 1
window_count: resd 1
windows: resd WINDOWS * 3               ; first and last physical address, address in the window
    section .text
