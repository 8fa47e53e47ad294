using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Accesses through FS and GS: base, limit and type are looked at when running; what they forbid is the interpreter's.</content>
internal sealed unsafe partial class RegionEmitter
{
    private const int NoSegment = -1;

    /// <summary>Segment of the address that was pushed last, or <see cref="NoSegment"/> for a flat one.</summary>
    private int _segment = NoSegment;

    /// <summary>Whether the operands of an instruction are beyond what lowerings address: segments that are not flat, other than FS and GS, or 16-bit addresses.</summary>
    /// <param name="op">The instruction.</param>
    public static bool IsGeneral(in Op op) => (op.Flags & OpFlags.General) != 0
        && ((op.Flags & (OpFlags.Memory | OpFlags.Address16)) != OpFlags.Memory || op.Segment is not (SegmentIndex.Fs or SegmentIndex.Gs));

    /// <summary>Pops an offset in a segment and pushes the linear address, after the checks of the segment.</summary>
    private void EmitSegmentBase(int segment, int size, bool write)
    {
        Label fault = MissStub();
        int at = StateLayout.Segments + (segment * sizeof(SegmentRegister));
        _il.Emit(OpCodes.Stloc, _address);

        // The last byte, as 64 bits so that it does not wrap, and the first one (expand-down segments begin above 0).
        _il.Emit(OpCodes.Ldloc, _address);
        _il.Emit(OpCodes.Conv_U8);
        if (size > 1)
        {
            _il.Emit(OpCodes.Ldc_I4, size - 1);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Add);
        }

        EmitState(at + StateLayout.SegmentHigh);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Bgt_Un, fault);
        _il.Emit(OpCodes.Ldloc, _address);
        EmitState(at + StateLayout.SegmentLow);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Blt_Un, fault);
        EmitState(at + StateLayout.SegmentAccess);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, (int)(write ? SegmentAccess.Write : SegmentAccess.Read));
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Brfalse, fault);
        _il.Emit(OpCodes.Ldloc, _address);
        EmitState(at + StateLayout.SegmentBase);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Add);
    }
}
