using Emulator.Core.Cpu;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.Lockstep;

/// <summary>Interrupt vectors and handlers of programs in real mode.</summary>
internal static class LockstepRealImage
{
    private const uint Handlers = 0x4000;
    private const int CommonHandler = 0x1000;

    /// <summary>In the handlers' segment: saved AX and BX, number of the last resume point.</summary>
    private const int Saved = 0x2000;
    private const int ResumeTable = 0x2100;
    private static readonly byte[] Code = BuildHandlers();

    /// <summary>Writes vectors, handlers and resume points.</summary>
    /// <param name="image">Memory.</param>
    /// <param name="program">The program.</param>
    public static void Write(byte[] image, GuestProgram program)
    {
        Code.CopyTo(image, (int)Handlers);
        for (int i = 0; i < 64; i++)
        {
            BitConverter.TryWriteBytes(image.AsSpan((int)Handlers + ResumeTable + (i * 2)), (ushort)program.EipOf(i % program.Blocks.Count));
        }

        for (int i = 0; i < 256; i++)
        {
            BitConverter.TryWriteBytes(image.AsSpan(i * 4), ((Handlers >> 4) << 16) | (uint)(i * 16));
        }
    }

    private static byte[] BuildHandlers()
    {
        byte[] code = new byte[CommonHandler + 0x100];
        for (int i = 0; i < 256; i++)
        {
            Assembler stub = new(16);
            switch (i)
            {
                case 1:
                    stub.push(bp);
                    stub.mov(bp, sp);
                    stub.and(__word_ptr[bp + 6], 0xFEFF);
                    stub.pop(bp);
                    stub.iret();
                    break;
                case 7:
                    stub.clts();
                    stub.iret();
                    break;
                case LockstepMachine.TimerVector:
                    stub.inc(__word_ptr.cs[Saved + 8]);
                    stub.iret();
                    break;
                case 3 or 4 or >= 32:
                    stub.iret();
                    break;
                default:
                    stub.jmp((ulong)CommonHandler);
                    break;
            }

            Place(stub, code, i * 16);
        }

        Place(BuildResume(), code, CommonHandler);
        return code;
    }

    private static Assembler BuildResume()
    {
        Assembler a = new(16);
        a.mov(__word_ptr.cs[Saved], ax);
        a.mov(__word_ptr.cs[Saved + 2], bx);
        a.mov(ax, LockstepSegments.StackSelector(LockstepMode.Real));
        a.mov(ss, ax);
        a.mov(esp, LockstepSegments.StackPointer16 - 0x100);
        a.mov(ax, LockstepSegments.DataSelector(LockstepMode.Real));
        a.mov(ds, ax);
        a.mov(es, ax);
        a.push(0x3202);
        a.push(-1);
        a.mov(bx, __word_ptr.cs[Saved + 4]);
        a.inc(bx);
        a.and(bx, 63);
        a.mov(__word_ptr.cs[Saved + 4], bx);
        a.add(bx, bx);
        a.push(__word_ptr.cs[bx + ResumeTable]);
        a.mov(bx, __word_ptr.cs[Saved + 2]);
        a.mov(ax, __word_ptr.cs[Saved]);
        a.iret();
        return a;
    }

    private static void Place(Assembler assembler, byte[] code, int at)
    {
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), (ulong)at);
        stream.ToArray().CopyTo(code, at);
    }
}
