using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.Lockstep;

/// <summary>Makes the memory of a <see cref="LockstepMachine"/>: program, data, tables, handlers.</summary>
internal sealed class LockstepImage
{
    private const uint Handlers = 0x4000;
    private const uint CommonHandler = 0x1000;
    private const uint HandlerData = 0x6000;
    private const uint ResumeTable = HandlerData + 0x100;
    private const uint VectorsWithError = (1u << 8) | (1u << 10) | (1u << 11) | (1u << 12) | (1u << 13) | (1u << 14) | (1u << 17);
    private const uint StackLength16 = 0x4000;

    /// <summary>What begins as zeros: the tables that are written only in part.</summary>
    private static readonly (uint Start, uint Length)[] Tables =
        [(0, 0x400), (LockstepMachine.Gdt, 0x88), (LockstepMachine.Idt, 0x800), (LockstepMachine.Tss, 0x68), (HandlerData, 0x200), (LockstepMachine.PageDirectory, 0x1000)];

    private static readonly byte[] UserHandlers = BuildHandlers(user: true, LockstepMode.Flat32);
    private static readonly byte[] SupervisorHandlers = BuildHandlers(user: false, LockstepMode.Flat32);
    private static readonly byte[] BasedHandlers = BuildHandlers(user: true, LockstepMode.Based32);
    private static readonly byte[] NarrowHandlers = BuildHandlers(user: true, LockstepMode.Protected16);
    private static readonly byte[] VirtualHandlers = BuildHandlers(user: true, LockstepMode.Virtual86);

    private readonly byte[] _image = new byte[LockstepMachine.RamSize];

    /// <summary>Makes the memory that a program starts with.</summary>
    /// <param name="program">The program.</param>
    /// <returns>All of RAM, valid until the next call.</returns>
    public ReadOnlySpan<byte> Build(GuestProgram program)
    {
        byte[] image = _image;
        image.AsSpan().Fill(GuestProgram.Filler);
        foreach ((uint start, uint length) in Tables)
        {
            image.AsSpan((int)start, (int)length).Clear();
        }

        SplitMix random = new(program.Setup.Seed + 77);
        foreach (ref ulong word in MemoryMarshal.Cast<byte, ulong>(image.AsSpan((int)LockstepMachine.Data, (int)LockstepMachine.DataLength)))
        {
            word = random.OneIn(3) ? (ulong)random.Below(256) : random.Next();
        }

        FillStacks(image, program, random);
        program.Build(others: false).CopyTo(image, (int)GuestProgram.Code);
        program.Build(others: true).CopyTo(image, (int)LockstepMachine.CodeCopy);
        Put(image, LockstepMachine.Gdt + 0x08, 0x00CF9B000000FFFF);
        Put(image, LockstepMachine.Gdt + 0x10, 0x00CF93000000FFFF);
        Put(image, LockstepMachine.Gdt + 0x18, 0x00CFFB000000FFFF);
        Put(image, LockstepMachine.Gdt + 0x20, 0x00CFF3000000FFFF);
        Put(image, LockstepMachine.Gdt + 0x28, 0x0000890000000067 | ((ulong)LockstepMachine.Tss << 16));

        // Data segments that are not flat: base 180000h and 64 KiB; expand-down.
        Put(image, LockstepMachine.Gdt + 0x30, 0x0040F3000000FFFF | ((ulong)(LockstepMachine.Data & 0xFFFFFF) << 16));
        Put(image, LockstepMachine.Gdt + 0x38, 0x00CFF7000000017F);
        Put(image, LockstepMachine.Tss + 4, LockstepMachine.SupervisorStackTop | (0x10ul << 32));
        Put(image, LockstepMachine.Tss + 0x64, 0x0000000000680000);
        LockstepSegments.WriteDescriptors(image, program.Setup.Seed);
        if (program.Setup.Mode == LockstepMode.Real)
        {
            LockstepRealImage.Write(image, program);
            image.AsSpan((int)LockstepMachine.Data, (int)LockstepMachine.DataLength).CopyTo(image.AsSpan((int)LockstepSegments.Data16));
            return image;
        }

        byte[] handlers = program.Setup.Mode switch
        {
            LockstepMode.Based32 => BasedHandlers,
            LockstepMode.Protected16 => NarrowHandlers,
            LockstepMode.Virtual86 => VirtualHandlers,
            _ => program.Setup.User ? UserHandlers : SupervisorHandlers,
        };
        handlers.CopyTo(image, (int)Handlers);
        BuildGates(image, program);
        BuildPages(image, program.Setup);
        return image;
    }

    /// <summary>What lies on the stacks: mostly addresses of blocks, for returns without a call, and of data.</summary>
    private static void FillStacks(byte[] image, GuestProgram program, SplitMix random)
    {
        bool is16 = LockstepSegments.Is16(program.Setup.Mode);
        int step = is16 ? 2 : 4;
        foreach ((uint start, uint length) in (ReadOnlySpan<(uint, uint)>)[(LockstepMachine.SupervisorStack, LockstepMachine.SupervisorStackLength), is16 ? (LockstepSegments.Stack16, StackLength16) : (LockstepMachine.UserStack, LockstepMachine.UserStackLength)])
        {
            for (int at = (int)start; at < start + length; at += step)
            {
                uint value = random.Below(4) switch
                {
                    < 2 => program.EipOf(random.Below(program.Blocks.Count)),
                    2 => is16 ? (uint)random.Next() : LockstepMachine.Data + (uint)random.Below((int)LockstepMachine.DataLength),
                    _ => (uint)random.Below(256),
                };
                Put(image, (uint)at, value);
            }
        }
    }

    private static void Put(byte[] image, uint at, ulong value) => BitConverter.TryWriteBytes(image.AsSpan((int)at), value);

    private static void Put(byte[] image, uint at, uint value) => BitConverter.TryWriteBytes(image.AsSpan((int)at), value);

    private static void BuildGates(byte[] image, GuestProgram program)
    {
        for (uint i = 0; i < 64; i++)
        {
            Put(image, ResumeTable + (i * 4), program.EipOf((int)i % program.Blocks.Count));
        }

        for (uint i = 0; i < 256; i++)
        {
            uint at = Handlers + (i * 16);
            uint attributes = i is 3 or 4 or LockstepMachine.FlushVector or LockstepMachine.TaskSwitchedVector ? 0xEE00u : 0x8E00;
            Put(image, LockstepMachine.Idt + (i * 8), (at & 0xFFFF) | 0x80000);
            Put(image, LockstepMachine.Idt + (i * 8) + 4, (at & 0xFFFF0000) | attributes);
        }
    }

    private static byte[] BuildHandlers(bool user, LockstepMode mode)
    {
        byte[] code = new byte[CommonHandler + 0x100];
        for (uint i = 0; i < 256; i++)
        {
            Assembler stub = new(32);
            switch (i)
            {
                case 1:
                    stub.and(__dword_ptr.ss[esp + 8], ~(int)Eflags.TF);
                    stub.iretd();
                    break;
                case 3 or 4:
                    stub.iretd();
                    break;
                case LockstepMachine.TimerVector:
                    stub.inc(__dword_ptr.ss[HandlerData + 8]);
                    stub.iretd();
                    break;
                case 7:
                    stub.clts();
                    stub.iretd();
                    break;
                case LockstepMachine.TaskSwitchedVector:
                    stub.push(eax);
                    stub.mov(eax, cr0);
                    stub.or(eax, (int)Cr0.TS);
                    stub.mov(cr0, eax);
                    stub.pop(eax);
                    stub.iretd();
                    break;
                case LockstepMachine.FlushVector:
                    stub.push(eax);
                    stub.mov(eax, cr3);
                    stub.mov(cr3, eax);
                    stub.pop(eax);
                    stub.iretd();
                    break;
                default:
                    if (i >= 32 || (VectorsWithError & (1u << (int)i)) == 0)
                    {
                        stub.push(0);
                    }

                    stub.jmp((ulong)(Handlers + CommonHandler));
                    break;
            }

            Place(stub, code, i * 16);
        }

        Place(BuildResume(user, mode), code, CommonHandler);
        return code;
    }

    /// <summary>The common fault handler: the program goes on at its next resume point, with its stack pointer reset.</summary>
    private static Assembler BuildResume(bool user, LockstepMode mode)
    {
        Assembler a = new(32);
        a.mov(__dword_ptr.ss[HandlerData], eax);
        a.add(esp, 12);
        a.pop(eax);
        a.and(eax, ~(int)(Eflags.TF | Eflags.NT | Eflags.AC | Eflags.RF));
        a.or(eax, (int)Eflags.IF);
        a.mov(esp, LockstepMachine.SupervisorStackTop);
        if (mode != LockstepMode.Flat32)
        {
            LockstepSegments.PushFrame(a, mode);
        }
        else
        {
            if (user)
            {
                a.push(0x23);
                a.push((int)LockstepMachine.UserStackTop - 0x100);
            }
            else
            {
                a.sub(esp, 0x100);
            }

            a.push(eax);
            a.push(user ? 0x1B : 0x08);
        }

        a.mov(eax, __dword_ptr.ss[HandlerData + 4]);
        a.inc(eax);
        a.and(eax, 63);
        a.mov(__dword_ptr.ss[HandlerData + 4], eax);
        a.push(__dword_ptr.ss[(eax * 4) + (int)ResumeTable]);
        a.mov(eax, __dword_ptr.ss[HandlerData]);
        a.iretd();
        return a;
    }

    private static void Place(Assembler assembler, byte[] code, uint at)
    {
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), Handlers + at);
        stream.ToArray().CopyTo(code, (int)at);
    }

    private static void BuildPages(byte[] image, LockstepSetup setup)
    {
        SplitMix random = new(setup.Seed + 55);
        uint[] order = [4, 5, 6, 7, 8, 9];
        for (int i = order.Length - 1; i > 0; i--)
        {
            int other = random.Below(i + 1);
            (order[i], order[other]) = (order[other], order[i]);
        }

        foreach (uint alias in (uint[])[0, .. LockstepMachine.Aliases])
        {
            Put(image, LockstepMachine.PageDirectory + (alias >> 20), LockstepMachine.PageTable | 7u);
        }

        for (uint page = 0; page < 1024; page++)
        {
            uint address = page << 12;
            uint frame = address >= 0x200000 ? address - 0x200000 : address;
            frame = LockstepSegments.Is16(setup.Mode) && address - LockstepSegments.Data16 < LockstepMachine.DataLength ? address - LockstepSegments.Data16 + LockstepMachine.Data : frame;
            uint offset = frame - LockstepMachine.Data;
            uint flags = frame < 0x10000 ? (frame == HandlerData || frame >= 0x8000 ? 3u : 1u) : 7;
            if (offset < LockstepMachine.DataLength)
            {
                (frame, flags) = (offset >> 12) switch
                {
                    >= 4 and <= 9 => (LockstepMachine.Data + (order[(offset >> 12) - 4] << 12), 7u),
                    10 => (frame, 5u),
                    11 => (frame, 0u),
                    12 => (LockstepMachine.Data + 0x2000, 7u),
                    13 => (frame, 3u),
                    15 => (GuestProgram.Code + 0x1000, 7u),
                    _ => (frame, 7u),
                };
            }

            if (frame == LockstepMachine.Tss)
            {
                flags = 3;
            }

            if (address == LockstepMachine.Device)
            {
                frame = LockstepMachine.DevicePhysical;
            }

            Put(image, LockstepMachine.PageTable + (page * 4), frame | flags);
        }
    }
}
