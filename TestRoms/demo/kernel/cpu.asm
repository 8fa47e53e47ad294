; Which processor is this? SDM volume 2, CPUID; volume 1, chapter 21.
;
; The 386 cannot set EFLAGS.AC, the first 486 cannot set EFLAGS.ID, and everything that can has CPUID, which tells the rest. What a processor may lack
; is asked for here once; "has_feature" is how the rest of the kernel asks.

FEATURE_FPU     equ 1 << 0              ; CPUID leaf 1, EDX
FEATURE_PSE     equ 1 << 3
FEATURE_TSC     equ 1 << 4
FEATURE_MSR     equ 1 << 5
FEATURE_PAE     equ 1 << 6
FEATURE_CX8     equ 1 << 8
FEATURE_APIC    equ 1 << 9
FEATURE_SEP     equ 1 << 11
FEATURE_PGE     equ 1 << 13
FEATURE_CMOV    equ 1 << 15
FEATURE_MMX     equ 1 << 23
FEATURE_FXSR    equ 1 << 24
FEATURE_SSE     equ 1 << 25
FEATURE_SSE2    equ 1 << 26

EFLAGS_ID       equ 1 << 21

cpu_init:
    pushfd
    pop eax
    mov ecx, eax
    xor eax, EFLAGS_ID
    push eax
    popfd
    pushfd
    pop eax
    push ecx
    popfd
    xor eax, ecx
    test eax, EFLAGS_ID
    jz .done                            ; the bit did not change: a 486 without CPUID
    xor eax, eax
    cpuid
    mov [cpu_leaves], eax
    mov [cpu_vendor], ebx
    mov [cpu_vendor + 4], edx
    mov [cpu_vendor + 8], ecx
    inc byte [cpu_has_cpuid]
    test eax, eax
    jz .done
    mov eax, 1
    cpuid
    mov [cpu_signature], eax
    mov [cpu_features], edx
.done:
    mov eax, cr0
    or eax, 1 << 16                     ; WP: read-only pages are read-only for the kernel, too
    and eax, ~(1 << 18)                 ; AM off, so that EFLAGS.AC means nothing
    mov cr0, eax
    ret

; cpu_print: what "cpu" shows.
cpu_print:
    pushad
    cmp byte [cpu_has_cpuid], 0
    jne .cpuid
    PRINT "A 486 without CPUID", 10
    jmp .end
.cpuid:
    PRINT "Vendor    "
    mov esi, cpu_vendor
    mov ecx, 12
    call print_text
    mov eax, 0x80000000                 ; extended leaves, of which three hold a name
    cpuid
    cmp eax, 0x80000004
    jb .no_name
    cmp eax, 0x80010000
    ja .no_name
    PRINT 10, "Name      "
    mov edi, 0x80000002
.name:
    mov eax, edi
    cpuid
    mov [cpu_name], eax
    mov [cpu_name + 4], ebx
    mov [cpu_name + 8], ecx
    mov [cpu_name + 12], edx
    mov esi, cpu_name                   ; 16 bytes, padded with zeros
    mov ecx, 16
.character:
    lodsb
    test al, al
    jz .next
    call console_put
.next:
    loop .character
    inc edi
    cmp edi, 0x80000005
    jb .name
.no_name:
    PRINT 10, "Signature "
    mov eax, [cpu_signature]
    call print_hex8
    PRINT ": family "
    mov edx, eax
    shr eax, 8
    and eax, 15
    call print_decimal
    PRINT ", model "
    mov eax, edx
    shr eax, 4
    and eax, 15
    call print_decimal
    PRINT ", stepping "
    mov eax, edx
    and eax, 15
    call print_decimal
    PRINT 10, "Features "
    xor ecx, ecx
.feature:
    bt [cpu_features], ecx
    jnc .without
    mov esi, [feature_names + ecx * 4]
    mov al, ' '
    call console_put
    call print
.without:
    inc ecx
    cmp ecx, 32
    jb .feature
    call new_line
    test dword [cpu_features], FEATURE_TSC
    jz .end
    call cpu_frequency
    PRINT "Clock     "
    call print_decimal
    PRINT " MHz by the time stamp counter", 10
.end:
    popad
    ret

; cpu_frequency: returns EAX = MHz, measured over five ticks of the timer.
cpu_frequency:
    push ebx
    push ecx
    push edx
    call wait_for_tick
    rdtsc
    mov ebx, eax
    mov ecx, 5
.wait:
    call wait_for_tick
    loop .wait
    rdtsc
    sub eax, ebx
    xor edx, edx
    mov ecx, 5 * 1000000 / TICKS_PER_SECOND
    div ecx
    pop edx
    pop ecx
    pop ebx
    ret

    section .data
    align 4, db 0
feature_names: dd .fpu, .vme, .de, .pse, .tsc, .msr, .pae, .mce, .cx8, .apic, .unnamed, .sep, .mtrr, .pge, .mca, .cmov
    dd .pat, .pse36, .psn, .clfsh, .unnamed, .ds, .acpi, .mmx, .fxsr, .sse, .sse2, .ss, .htt, .tm, .unnamed, .pbe
.fpu: db "FPU", 0
.vme: db "VME", 0
.de: db "DE", 0
.pse: db "PSE", 0
.tsc: db "TSC", 0
.msr: db "MSR", 0
.pae: db "PAE", 0
.mce: db "MCE", 0
.cx8: db "CX8", 0
.apic: db "APIC", 0
.sep: db "SEP", 0
.mtrr: db "MTRR", 0
.pge: db "PGE", 0
.mca: db "MCA", 0
.cmov: db "CMOV", 0
.pat: db "PAT", 0
.pse36: db "PSE-36", 0
.psn: db "PSN", 0
.clfsh: db "CLFSH", 0
.ds: db "DS", 0
.acpi: db "ACPI", 0
.mmx: db "MMX", 0
.fxsr: db "FXSR", 0
.sse: db "SSE", 0
.sse2: db "SSE2", 0
.ss: db "SS", 0
.htt: db "HTT", 0
.tm: db "TM", 0
.pbe: db "PBE", 0
.unnamed: db "?", 0

    section .bss
    alignb 4
cpu_leaves: resd 1
cpu_signature: resd 1
cpu_features: resd 1                    ; 0 without CPUID
cpu_vendor: resb 12
cpu_name: resb 16
cpu_has_cpuid: resb 1
    alignb 4
    section .text
