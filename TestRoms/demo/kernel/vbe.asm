; "vbe": 640 by 480 points in true colour, through a linear frame buffer. VESA BIOS Extension (VBE) Core Functions Standard 3.0.
;
; What a VGA can do ends at 64 KiB behind a window; cards with more have ways of their own, and VBE is the BIOS that knows them. The loader has asked it
; for a mode whose memory lies in one piece somewhere in physical memory (loader.asm); here the mode is set (AX=4F02h), that memory is mapped, and a
; picture is drawn: the Mandelbrot set, computed with the x87. "vbe gradient" shows the three colours as ramps instead, which takes no time.

VBE_STEPS       equ 48                  ; iterations of z = z * z + c before a point counts as belonging to the set

; vbe_command: ESI = arguments.
vbe_command:
    mov [vbe_arguments], esi
    cmp dword [boot_info + BootInfo.vbe_mode], 0
    jne .there
    PRINT "There is no VBE mode of 640 by 480 with direct colours", 10
    ret
.there:
    mov eax, [boot_info + BootInfo.vbe_pitch]
    mul dword [boot_info + BootInfo.vbe_height]
    mov ecx, eax
    mov eax, [boot_info + BootInfo.vbe_address]
    call window_map
    jnc .mapped
    PRINT 4, "There is no memory for the page tables", 1, 10
    ret
.mapped:
    mov [vbe_screen], eax
    PRINT "VBE "
    mov eax, [boot_info + BootInfo.vbe_version]
    movzx ecx, ah
    xchg eax, ecx
    call print_decimal
    PRINT "."
    movzx eax, cl
    call print_decimal
    PRINT ", mode "
    mov eax, [boot_info + BootInfo.vbe_mode]
    call print_hex4
    PRINT "h, 640 by 480, "
    mov eax, [boot_info + BootInfo.vbe_bits]
    call print_decimal
    PRINT " bits at "
    mov eax, [boot_info + BootInfo.vbe_address]
    call print_hex8
    PRINT ": Esc ends it", 10
    mov byte [console_is_graphics], 1
    mov eax, [boot_info + BootInfo.vbe_mode]
    or eax, 1 << 14                     ; with the linear frame buffer
    mov [bios_registers + BiosRegisters.ebx], eax
    mov dword [bios_registers + BiosRegisters.eax], 0x4F02
    mov al, 0x10
    call bios_call
    cmp word [bios_registers + BiosRegisters.eax], 0x004F
    je .set
    mov byte [console_is_graphics], 0
    PRINT 4, "The BIOS does not set it", 1, 10
    ret
.set:
    mov esi, [vbe_arguments]
    mov edi, vbe_mandelbrot
    cmp byte [esi], 'g'
    jne .draw
    mov edi, vbe_gradient
.draw:
    call edi
    jc text_mode                        ; Esc came before it was complete
    PRINT "The picture is complete", 10
    ret                                 ; it stays until the next line begins (shell.asm)

; vbe_point: EDI = place, EDX = colour as 00RRGGBB. Returns EDI = the next place.
vbe_point:
    cmp dword [boot_info + BootInfo.vbe_bits], 24
    jb .sixteen
    je .twenty_four
    mov [edi], edx
    add edi, 4
    ret
.twenty_four:
    mov [edi], dx
    shr edx, 16
    mov [edi + 2], dl
    add edi, 3
    ret
.sixteen:                               ; five bits of red, six of green, five of blue
    push eax
    mov eax, edx
    shr eax, 3
    and eax, 0x1F
    shr edx, 5
    push edx
    and edx, 0x7E0
    or eax, edx
    pop edx
    shr edx, 3
    and edx, 0xF800
    or eax, edx
    mov [edi], ax
    add edi, 2
    pop eax
    ret

; vbe_gradient: red to the right, green downwards, blue both ways.
vbe_gradient:
    pushad
    mov esi, [vbe_screen]
    xor ebp, ebp                        ; y
.line:
    mov edi, esi
    xor ecx, ecx                        ; x
.point:
    mov eax, ecx                        ; x * 2 / 5 is 0 to 255
    add eax, eax
    xor edx, edx
    mov ebx, 5
    div ebx
    mov ebx, eax
    shl ebx, 16
    mov eax, ebp
    shr eax, 1
    mov bh, al
    mov eax, ecx
    xor eax, ebp
    mov bl, al
    mov edx, ebx
    call vbe_point
    inc ecx
    cmp ecx, [boot_info + BootInfo.vbe_width]
    jb .point
    add esi, [boot_info + BootInfo.vbe_pitch]
    inc ebp
    cmp ebp, [boot_info + BootInfo.vbe_height]
    jb .line
    popad
    clc
    ret

; vbe_mandelbrot: for each point c the number of steps until z = z * z + c leaves the circle of radius 2. Carry set: Esc came first.
vbe_mandelbrot:
    pushad
    finit
    mov esi, [vbe_screen]
    mov dword [vbe_y], 0
.line:
    call key_escape
    jnc .stopped
    mov edi, esi
    fild dword [vbe_y]                  ; the imaginary part: (y - 240) / 200
    fsub dword [vbe_half_height]
    fmul qword [vbe_scale]
    fstp qword [vbe_cy]
    mov dword [vbe_x], 0
.point:
    fild dword [vbe_x]                  ; the real part: (x - 430) / 200
    fsub dword [vbe_left]
    fmul qword [vbe_scale]
    fstp qword [vbe_cx]
    fld qword [vbe_cy]                  ; the first z is c
    fld qword [vbe_cx]                  ; ST0 = x, ST1 = y
    mov ecx, VBE_STEPS
.step:
    fld st0
    fmul st0, st0                       ; ST0 = x * x, ST1 = x, ST2 = y
    fld st2
    fmul st0, st0                       ; ST0 = y * y, ST1 = x * x
    fld st1
    fadd st0, st1
    fcomp dword [vbe_four]              ; x * x + y * y against 4
    fnstsw ax
    test ah, 0x45                       ; C0 "less", C3 "equal", C2 "not comparable"
    jz .outside
    fsubp st1, st0                      ; ST0 = x * x - y * y, ST1 = x, ST2 = y
    fadd qword [vbe_cx]
    fxch st1
    fmulp st2, st0                      ; ST0 = the new x, ST1 = x * y
    fxch st1
    fadd st0, st0
    fadd qword [vbe_cy]
    fxch st1
    dec ecx
    jnz .step
    fstp st0
    fstp st0
    xor edx, edx
    jmp .colour
.outside:
    fstp st0
    fstp st0
    fstp st0
    fstp st0
    mov edx, [vbe_colours + ecx * 4 - 4]
.colour:
    call vbe_point
    inc dword [vbe_x]
    mov eax, [vbe_x]
    cmp eax, [boot_info + BootInfo.vbe_width]
    jb .point
    add esi, [boot_info + BootInfo.vbe_pitch]
    inc dword [vbe_y]
    mov eax, [vbe_y]
    cmp eax, [boot_info + BootInfo.vbe_height]
    jb .line
    popad
    clc
    ret
.stopped:
    popad
    stc
    ret

    section .data
    align 8, db 0
vbe_scale: dq 0.005
vbe_left: dd 430.0
vbe_half_height: dd 240.0
vbe_four: dd 4.0
vbe_colours:                            ; by the steps that are left: far away is dark blue, the edge is bright
%assign step 0
%rep VBE_STEPS
    %assign gone VBE_STEPS - 1 - step
    %assign red (gone * gone * 255) / ((VBE_STEPS - 1) * (VBE_STEPS - 1))
    %assign green gone * 255 / (VBE_STEPS - 1)
    %assign blue 64 + gone * 12
    %if blue > 255
        %assign blue 255
    %endif
    dd red << 16 | green << 8 | blue
    %assign step step + 1
%endrep
    section .bss
    alignb 8
vbe_cx: resq 1
vbe_cy: resq 1
vbe_x: resd 1
vbe_y: resd 1
vbe_screen: resd 1
vbe_arguments: resd 1
    section .text
