using System.Reflection.Emit;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// Stores to pages that hold decoded code, in pieces of 64 bytes that do not. In 16-bit programs code, data and stack lie side by side, and
/// each such store would be an exit; in flat 32-bit code the check would cost more than it is worth.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    private const uint FlatMode = ModeKey.Code32 | ModeKey.FlatCs | ModeKey.FlatDs | ModeKey.FlatSs;

    /// <summary>Whether stores beside code are done here; verification must see them.</summary>
    private bool StoresBesideCode => (_modes & EmitModes.Repeatable) == 0 && (_region.ModeKey & FlatMode) != FlatMode;

    /// <summary>As <see cref="EmitTlbCheck"/>; stores beside code go on, too.</summary>
    private void EmitTlbCheckBesideCode(int size, bool write, Label miss)
    {
        if (!write || !StoresBesideCode)
        {
            EmitTlbCheck(size, write ? nameof(TlbEntry.WriteTag) : nameof(TlbEntry.ReadTag), miss);
            return;
        }

        Label code = _il.DefineLabel();
        Label hit = _il.DefineLabel();
        EmitTlbCheck(size, nameof(TlbEntry.WriteTag), code);
        _il.MarkLabel(hit);
        _stubs.Add(() =>
        {
            _il.MarkLabel(code);
            EmitBesideCode(size, miss);
            _il.Emit(OpCodes.Br, hit);
        });
    }

    /// <summary>The record and address are in their locals: branches away unless only code in other pieces of the page keeps it from being written.</summary>
    private void EmitBesideCode(int size, Label miss)
    {
        EmitTagCompare(size, nameof(TlbEntry.PageTag), miss);
        EmitTlbField(nameof(TlbEntry.Flags));
        _il.Emit(OpCodes.Ldc_I4, (int)TlbFlags.CodeOnly);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Brfalse, miss);
        EmitPiece(0);
        if (size > 1)
        {
            EmitPiece(size - 1);
            _il.Emit(OpCodes.Or);
        }

        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Brtrue, miss);
    }

    /// <summary>Pushes the pieces of the page, shifted so that bit 0 is that of a byte of the access.</summary>
    private void EmitPiece(int offset)
    {
        EmitState(StateLayout.CodePieces);
        _il.Emit(OpCodes.Ldind_I);
        EmitTlbField(nameof(TlbEntry.Physical));
        _il.Emit(OpCodes.Ldc_I4, 12);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldc_I4, 3);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Conv_U);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Ldind_I8);
        EmitAddress32();
        if (offset != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, offset);
            _il.Emit(OpCodes.Add);
        }

        _il.Emit(OpCodes.Ldc_I4, 6);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldc_I4, 63);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Shr_Un);
    }
}
